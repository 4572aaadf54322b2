/** Calls Docker and Compose as a user would. Of Compose only old options are used, such as `up -d` and `ps -a`. */
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");
export const composeFile = join(root, "docker-compose-single-kafka.yml");

/** Why Docker cannot be used, or `undefined` when it answers. */
export function dockerProblem(): string | undefined {
  const { error, status } = spawnSync("docker", ["info"], {
    stdio: "ignore",
    timeout: 15_000,
  });
  if (status === 0) return undefined;
  return (error as NodeJS.ErrnoException | undefined)?.code === "ENOENT"
    ? "Docker is not installed"
    : "Docker's engine does not answer (is it started?)";
}

/** Resolves with what a docker command printed. Rejects with its error output if it fails. */
export async function docker(...args: string[]): Promise<string> {
  return run("docker", args);
}

let composeCommand: string[] | undefined;

/** Calls `docker compose`, or the older docker-compose where the plugin is missing. */
export async function compose(...args: string[]): Promise<string> {
  composeCommand ??=
    spawnSync("docker", ["compose", "version"]).status === 0
      ? ["docker", "compose"]
      : ["docker-compose"];
  const [command = "docker", ...first] = composeCommand;
  return run(command, [...first, "-f", composeFile, ...args]);
}

function run(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that Ctrl+C reaches only the script, which ends its children in order.
    const child = spawn(command, args, { cwd: root, detached: true });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve(stdout.trim())
        : reject(
            new Error(
              `\`${[command, ...args].join(" ")}\` failed: ${(stderr || stdout).trim()}`,
            ),
          ),
    );
  });
}
