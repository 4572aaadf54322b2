/** Servers that tests start from the machine's own packages. */
import { delimiter } from "node:path";
import { lookUp } from "../runtime/cli/run/look-up.ts";

/** Debian's package has a wrapper in the path, which takes the user rabbitmq; the program itself is here. */
const places = ["/usr/lib/rabbitmq/bin", "/usr/sbin", "/usr/local/sbin"];

/** Its path, or `undefined` if it is not installed. */
export const findProgram = (name: string): string | undefined =>
  lookUp(name, [...places, process.env["PATH"] ?? ""].join(delimiter));

/** Why a test that starts these can't run, or `undefined`. */
export function programProblem(names: readonly string[]): string | undefined {
  const missing = names.filter((name) => findProgram(name) === undefined);
  return missing.length === 0
    ? undefined
    : `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not installed`;
}
