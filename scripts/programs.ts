/** Servers that tests start from the machine's own packages. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Debian's package has a wrapper in the path, which takes the user rabbitmq; the program itself is here. */
const places = ["/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/local/sbin"];

/** Its path, or `undefined` if it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [
    ...places,
    ...(process.env["PATH"] ?? "").split(delimiter).filter(Boolean),
  ];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Why a test that starts these can't run, or `undefined`. */
export function programProblem(names: readonly string[]): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  return missing.length === 0
    ? undefined
    : `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not installed`;
}
