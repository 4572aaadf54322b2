/** An Apache Kafka broker in a container, on a port that stays the same when it is killed and started again. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { GenericContainer, getContainerRuntimeClient } from "testcontainers";
import { freePorts } from "../support/ports.ts";

export interface KafkaBroker {
  /** host:port of the listener without login. */
  address: string;
  /** host:port of the listener with this name. */
  listener(name: string): string;
  /** kill -9; the data stays. */
  kill(): Promise<void>;
  /** Starts it again and waits until it listens. */
  start(): Promise<void>;
  /** Runs a command line (split at blanks) inside; rejects with its output when it fails. */
  run(line: string): Promise<void>;
  /** Runs a line of shell inside; rejects with its output when it fails. */
  shell(line: string): Promise<void>;
  stop(): Promise<void>;
}

const image = "apache/kafka:4.1.1";
/** With these options a broker, and each of Kafka's tools, starts with half the work: little is compiled. */
export const quickJava = {
  JAVA_TOOL_OPTIONS:
    "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData",
  // Kafka's own scripts would choose another garbage collector.
  KAFKA_JVM_PERFORMANCE_OPTS: "-server",
};

/** `extra` maps the names of more listeners to Kafka's protocols (`SASL_PLAINTEXT`, `SSL`). */
export async function startKafka(
  environment: Record<string, string> = {},
  extraListeners: Record<string, string> = {},
  /** Files in the container, by path. */
  files: Record<string, string> = {},
  /** The port of the listener without login; else a free one. */
  port?: number,
): Promise<KafkaBroker> {
  const protocols = { PLAIN: "PLAINTEXT", ...extraListeners };
  const names = Object.keys(protocols);
  const free = await freePorts(names.length);
  if (port) free[0] = port;
  const ports = new Map(names.map((name, at) => [name, free[at]!]));
  const all = [...ports];
  const container = await new GenericContainer(image)
    .withStartupTimeout(540_000)
    .withExposedPorts(
      ...all.map(([, port]) => ({ container: port, host: port })),
    )
    .withEnvironment({
      KAFKA_NODE_ID: "1",
      KAFKA_PROCESS_ROLES: "broker,controller",
      KAFKA_LISTENERS: [
        ...all.map(([name, port]) => `${name}://:${port}`),
        "CONTROLLER://:9093",
      ].join(","),
      KAFKA_ADVERTISED_LISTENERS: all
        .map(([name, port]) => `${name}://127.0.0.1:${port}`)
        .join(","),
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: [
        ...Object.entries(protocols).map((pair) => pair.join(":")),
        "CONTROLLER:PLAINTEXT",
      ].join(","),
      KAFKA_INTER_BROKER_LISTENER_NAME: "PLAIN",
      KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
      KAFKA_CONTROLLER_QUORUM_VOTERS: "1@localhost:9093",
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: "1",
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
      KAFKA_NUM_PARTITIONS: "3",
      ...quickJava,
      KAFKA_INITIAL_BROKER_REGISTRATION_TIMEOUT_MS: "240000",
      // A broker that was killed may come back soon: its old session ends after a second.
      KAFKA_BROKER_SESSION_TIMEOUT_MS: "1000",
      KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: "300",
      KAFKA_LOG_DIRS: "/tmp/kafka-logs",
      ...environment,
    })
    .withCopyContentToContainer(
      Object.entries(files).map(([target, content]) => ({ target, content })),
    )
    // The image's own script formats the data directory, and fails if it is formatted already.
    .withEntrypoint(["bash", "-c"])
    .withCommand([
      '[ -f /tmp/kafka-logs/meta.properties ] && exec java -Xmx512m -cp "/opt/kafka/libs/*" kafka.Kafka /opt/kafka/config/server.properties; exec /etc/kafka/docker/run',
    ])
    .start();
  const client = await getContainerRuntimeClient();
  const raw = client.container.getById(container.getId());
  const broker: KafkaBroker = {
    address: `127.0.0.1:${ports.get("PLAIN")}`,
    listener: (name) => `127.0.0.1:${ports.get(name)}`,
    async kill() {
      await raw.kill({ signal: "SIGKILL" });
      await raw.wait();
    },
    async start() {
      await raw.start();
      await listening(container.getId(), ports.get("PLAIN")!);
    },
    async run(line) {
      const { exitCode, output } = await container.exec(line.split(" "));
      if (exitCode !== 0) throw new Error(`${line}: ${output}`);
    },
    async shell(line) {
      const { exitCode, output } = await container.exec(["bash", "-c", line]);
      if (exitCode !== 0) throw new Error(`${line}: ${output}`);
    },
    async stop() {
      await container.stop({ timeout: 0 });
    },
  };
  await listening(container.getId(), ports.get("PLAIN")!);
  return broker;
}

/** Waits for the answer to Kafka's ApiVersions request, since Docker's proxy accepts connections long before Kafka does. */
export async function listening(what: string, port: number): Promise<void> {
  const request = Buffer.from("0000000a00120000000000000000", "hex");
  const deadline = Date.now() + 540_000;
  for (;;) {
    const answered = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(request));
      socket.on("data", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
      socket.setTimeout(1000, () => socket.destroy());
    });
    if (answered) return;
    if (Date.now() > deadline)
      throw new Error(`waited 540 s for Kafka in container ${what}`);
    await sleep(100);
  }
}
