/** Containers of the run, on the host's network: Docker's port proxy would add a process to each byte. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const label = "dapr-bench";

export interface Container {
  pid: number;
  /** Also harmless if it is gone. */
  remove(): Promise<void>;
}

export async function startContainer(
  image: string,
  env: Record<string, string>,
  command: string[] = [],
): Promise<Container> {
  await removeOrphans();
  const id = await docker(
    ["run", "--detach", "--rm", "--network", "host"],
    ["--label", `${label}=${process.pid}`],
    Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
    [image, ...command],
  );
  const pid = await docker(["inspect", "--format", "{{.State.Pid}}", id]);
  let removed: Promise<string> | undefined;
  return {
    pid: Number(pid),
    remove: async () => {
      await (removed ??= docker(["rm", "--force", "--volumes", id]));
    },
  };
}

/** A bench that was killed could not remove its containers; the label holds its pid. */
async function removeOrphans(): Promise<void> {
  const list = await docker(
    ["ps", "--filter", `label=${label}`],
    ["--format", `{{.ID}} {{.Label "${label}"}}`],
  );
  for (const line of list.split("\n").filter(Boolean)) {
    const [id, pid] = line.split(" ");
    if (!isRunning(Number(pid))) await docker(["rm", "--force", id!]);
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function docker(...parts: string[][]): Promise<string> {
  const args = parts.flat();
  try {
    return (await run("docker", args)).stdout.trim();
  } catch (error) {
    throw new Error(
      `bench: docker ${args[0]} failed: ${(error as Error).message.trim()}\nStart Docker, or measure what needs none: npm run bench sqlite,state-sqlite,invoke (--brokers HOST:PORT names a Kafka that runs)`,
    );
  }
}
