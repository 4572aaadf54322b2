/** Runs npm: the one that runs this script, else that of PATH. */
import { spawn } from "node:child_process";

export interface NpmOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What becomes of its messages: shown, if absent. */
  stderr?: "inherit" | "ignore";
}

/** What to spawn: its arguments are `begin`, then those of npm. */
export function npmProgram() {
  const own = process.env["npm_execpath"];
  return {
    command: own ? process.execPath : "npm",
    begin: own ? [own] : [],
    shell: !own && process.platform === "win32",
  };
}

/** Resolves with what it printed. Rejects if it fails. */
export async function npm(
  args: readonly string[],
  { cwd, env, stderr = "inherit" }: NpmOptions = {},
): Promise<string> {
  const { command, begin, shell } = npmProgram();
  const child = spawn(command, [...begin, ...args], {
    cwd,
    env,
    stdio: ["ignore", "pipe", stderr],
    shell,
  });
  let out = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (out += text));
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0
        ? resolve()
        : reject(
            new Error(`npm ${args.join(" ")} ended with ${code}:\n${out}`),
          ),
    );
  });
  return out;
}
