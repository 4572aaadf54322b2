/** The run's containers. They use the host's network, since Docker's port proxy would pass each byte through one more process. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const label = "dapr-bench";

export interface Container {
  pid: number;
  /** Does nothing if the container is gone. */
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

/** Removes the containers of benches that were killed. A container's label holds the pid of its bench. */
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
