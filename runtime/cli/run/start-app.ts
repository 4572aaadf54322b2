/** Starts the user's app: its own group, its environment, its output as pipes. */
import { resolve } from "node:path";
import { appPath } from "./app-path.ts";
import { start } from "./child.ts";
import type { Child } from "./child.ts";
import { lookUp } from "./look-up.ts";
import { programOf } from "./program.ts";

/** No such command on PATH. */
export class CommandNotFound extends Error {
  override name = "CommandNotFound";
}

export interface AppOptions {
  cwd?: string | undefined;
  env: Record<string, string>;
  /** Run it by a shell, as the apps of a run file are; the shell then reports a missing command itself. */
  byShell?: boolean;
  stdin: "inherit" | "ignore";
}

export async function startApp(
  words: readonly string[],
  { cwd, env, byShell, stdin }: AppOptions,
): Promise<Child> {
  const { PATH: path, ...rest } = inherited();
  const wholeEnv = {
    // Our pipe is no terminal: Python would keep its lines back, until they are 8 KB or it ends.
    PYTHONUNBUFFERED: "1",
    ...rest,
    PATH: await appPath(path),
    ...env,
  };
  const stdio = [stdin, "pipe", "pipe"] as const;
  const [command = "", ...args] = words;
  if (byShell && process.platform !== "win32")
    return start("sh", ["-c", 'exec "$@"', "sh", ...words], {
      cwd,
      env: wholeEnv,
      stdio: [...stdio],
    });
  const file = lookUp(command, wholeEnv.PATH);
  if (!file)
    throw new CommandNotFound(
      /[/\\]/.test(command)
        ? `exec: "${command}": stat ${resolve(cwd ?? "", command)}: no such executable file`
        : `exec: "${command}": executable file not found in $PATH`,
    );
  const { file: program, args: given, ...options } = programOf(file, args);
  return start(program, given, {
    cwd,
    env: wholeEnv,
    stdio: [...stdio],
    ...options,
  });
}

/** Our own environment without the lifeline to our parent, and without what only a sidecar may know. PATH has one name, on Windows too. */
function inherited(): Record<string, string> & { PATH: string } {
  const { DAPR_LIFELINE_FD: _, DAPR_WATCH_TOKEN: __, ...env } = process.env;
  const key =
    Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";
  const { [key]: path, ...rest } = env;
  return { ...(rest as Record<string, string>), PATH: path ?? "" };
}
