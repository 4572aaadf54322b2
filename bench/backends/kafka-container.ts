/** One Kafka for the run, in Docker, on loopback; removed at the end. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { freePorts } from "../loopback.ts";

const run = promisify(execFile);
const image = "apache/kafka:4.1.1";
const label = "dapr-bench";

export interface KafkaContainer {
  brokers: string;
  pid: number;
  remove(): Promise<void>;
}

/** On the host's network: Docker's port proxy would add a process to each byte. */
export async function startKafkaContainer(): Promise<KafkaContainer> {
  await removeOrphans();
  const [broker, controller] = await freePorts(2);
  const settings: Record<string, string> = {
    NODE_ID: "1",
    PROCESS_ROLES: "broker,controller",
    LISTENERS: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
    ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${broker}`,
    CONTROLLER_LISTENER_NAMES: "CONTROLLER",
    LISTENER_SECURITY_PROTOCOL_MAP: "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    CONTROLLER_QUORUM_VOTERS: `1@127.0.0.1:${controller}`,
    OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
    TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "1",
    TRANSACTION_STATE_LOG_MIN_ISR: "1",
    GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
    AUTO_CREATE_TOPICS_ENABLE: "false",
    HEAP_OPTS: "-Xmx512m -Xms512m",
  };
  const id = await docker(
    ["run", "--detach", "--rm", "--network", "host"],
    ["--label", `${label}=${process.pid}`],
    Object.entries(settings).flatMap(([key, value]) => [
      "--env",
      `KAFKA_${key}=${value}`,
    ]),
    [image],
  );
  const pid = await docker(["inspect", "--format", "{{.State.Pid}}", id]);
  let removed: Promise<string> | undefined;
  return {
    brokers: `127.0.0.1:${broker}`,
    pid: Number(pid),
    remove: async () => {
      await (removed ??= docker(["rm", "--force", "--volumes", id]));
    },
  };
}

/** A bench that was killed could not remove its broker; the label holds its pid. */
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
      `bench: docker ${args[0]} failed: ${(error as Error).message.trim()}\nStart Docker, name a broker with --brokers HOST:PORT, or measure only --only sqlite`,
    );
  }
}
