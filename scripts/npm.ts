/** Runs npm: the one that runs this script, else that of PATH. */
import { spawn } from "node:child_process";

export interface NpmOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What becomes of its messages: shown, if absent. */
  stderr?: "inherit" | "ignore";
}

/** Resolves with what it printed. Rejects if it fails. */
export async function npm(
  args: readonly string[],
  { cwd, env, stderr = "inherit" }: NpmOptions = {},
): Promise<string> {
  const own = process.env["npm_execpath"];
  const child = spawn(
    own ? process.execPath : "npm",
    own ? [own, ...args] : args,
    {
      cwd,
      env,
      stdio: ["ignore", "pipe", stderr],
      shell: !own && process.platform === "win32",
    },
  );
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
