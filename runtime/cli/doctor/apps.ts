/** The apps of a run file: what `dapr run` would refuse of them, and commands that are not there. */
import { resolve } from "node:path";
import { appPath } from "../run/app-path.ts";
import { checkApart, checkDistinct } from "../run/assign-ports.ts";
import { checkSpec } from "../run/check-spec.ts";
import { lookUp } from "../run/look-up.ts";
import type { RunFile } from "../run/run-file.ts";
import type { RunApp } from "../run/run-file-app.ts";
import { findSidecar } from "../run/sidecar-binary.ts";
import { failure, ok, type Examined, type Finding } from "./finding.ts";

export async function checkApps({ file }: Examined): Promise<Finding[]> {
  if (!file) return [];
  const found: Finding[] = [];
  for (const at of file.apps.keys()) found.push(...(await inApp(file, at)));
  if (found.length > 0) return found;
  return [ok(`Nothing is wrong with the apps of ${file.path}`)];
}

async function inApp(file: RunFile, at: number): Promise<Finding[]> {
  const app = file.apps[at]!;
  const { spec } = app;
  const earlier = file.apps.slice(0, at).map((one) => one.spec);
  const place = (key: string) => file.placeOf(`apps[${at}].${key}`);
  const found: Finding[] = [];
  for (const check of [
    () => checkSpec(spec, findSidecar().own),
    () => checkDistinct(spec),
    () => checkApart(spec, earlier),
  ])
    try {
      check();
    } catch (error) {
      const [problem, ...hint] = (error as Error).message.split("\n");
      found.push(
        failure(
          `app "${spec["app-id"]}": ${problem} (${place("appID")})`,
          hint.map((line) => line.trim()).join(" "),
        ),
      );
    }
  const missing = await missingProgram(app);
  if (missing)
    found.push(
      failure(
        `app "${spec["app-id"]}": its command can't run: ${missing} (${place("command")})`,
        "Install that program, or correct the command.",
      ),
    );
  return found;
}

/** Looked for as the run does: in the app's folder, on the app's PATH. */
async function missingProgram({
  spec,
  env,
  dir,
}: RunApp): Promise<string | undefined> {
  const [program] = spec.command;
  if (program === undefined) return undefined;
  if (program === "") return "its first word is empty";
  if (/[/\\]/.test(program)) {
    const path = resolve(dir, program);
    return lookUp(path, "") ? undefined : `${path} is no executable file`;
  }
  const path = env["PATH"] ?? (await appPath(process.env["PATH"] ?? ""));
  return lookUp(program, path)
    ? undefined
    : `"${program}" is no executable file on PATH`;
}
