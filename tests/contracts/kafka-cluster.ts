/**
 * A cluster of three Apache Kafka brokers in containers, which can be killed,
 * paused and started again. The first is also the controller, and must keep running.
 */
import { Kafka, type Admin } from "kafkajs";
import {
  GenericContainer,
  getContainerRuntimeClient,
  Network,
  type StartedTestContainer,
} from "testcontainers";
import { freePorts } from "../support/ports.ts";
import { listening, quickJava } from "./kafka-broker.ts";

export interface KafkaNode {
  id: number;
  /** host:port of the listener without login. */
  address: string;
  /** kill -9; the data stays. */
  kill(): Promise<void>;
  /** Starts it again and waits until it listens. */
  start(): Promise<void>;
  /** Freezes the broker like a stuck machine: connections stay open, nothing is answered. */
  pause(): Promise<void>;
  unpause(): Promise<void>;
}

export interface KafkaCluster {
  nodes: KafkaNode[];
  /** host:port of all brokers, comma-separated, for the listener with this name. */
  addresses(listener?: string): string;
  admin: Admin;
  client: Kafka;
  /** Starts every broker that is killed or paused. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

const image = "apache/kafka:4.1.1";

/** Extra listeners map a name to Kafka's protocol (`SASL_PLAINTEXT`, `SSL`). */
export async function startKafkaCluster(
  environment: Record<string, string> = {},
  extraListeners: Record<string, string> = {},
): Promise<KafkaCluster> {
  const network = await new Network().start();
  const protocols = { PLAIN: "PLAINTEXT", ...extraListeners };
  const names = Object.keys(protocols);
  const ids = [1, 2, 3];
  const ports = await freePorts(ids.length * names.length);
  const portOf = (id: number, name: string) =>
    ports[(id - 1) * names.length + names.indexOf(name)]!;
  const starts = await Promise.allSettled(
    ids.map((id) =>
      new GenericContainer(image)
        .withStartupTimeout(540_000)
        .withNetwork(network)
        .withNetworkAliases(`kafka-${id}`)
        .withExposedPorts(
          ...names.map((name) => ({
            container: portOf(id, name),
            host: portOf(id, name),
          })),
        )
        .withEnvironment({
          KAFKA_NODE_ID: String(id),
          KAFKA_HEAP_OPTS: "-Xmx256m -Xms128m",
          // The default of 128 MB does not always fit into that.
          KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE: String(16 * 1024 * 1024),
          ...quickJava,
          KAFKA_INITIAL_BROKER_REGISTRATION_TIMEOUT_MS: "240000",
          CLUSTER_ID: "5L6g3nShT-eMCtK--X86sw",
          KAFKA_PROCESS_ROLES: id === 1 ? "broker,controller" : "broker",
          KAFKA_LISTENERS: [
            ...names.map((name) => `${name}://:${portOf(id, name)}`),
            "INSIDE://:9092",
            ...(id === 1 ? ["CONTROLLER://:9093"] : []),
          ].join(","),
          KAFKA_ADVERTISED_LISTENERS: [
            ...names.map((name) => `${name}://127.0.0.1:${portOf(id, name)}`),
            `INSIDE://kafka-${id}:9092`,
          ].join(","),
          KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: [
            ...Object.entries(protocols).map((pair) => pair.join(":")),
            "INSIDE:PLAINTEXT",
            "CONTROLLER:PLAINTEXT",
          ].join(","),
          KAFKA_INTER_BROKER_LISTENER_NAME: "INSIDE",
          KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
          KAFKA_CONTROLLER_QUORUM_VOTERS: "1@kafka-1:9093",
          KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "3",
          KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: "3",
          KAFKA_AUTO_CREATE_TOPICS_ENABLE: "false",
          KAFKA_DEFAULT_REPLICATION_FACTOR: "3",
          KAFKA_MIN_INSYNC_REPLICAS: "2",
          KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: "3",
          KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: "0",
          KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: "1000",
          KAFKA_NUM_PARTITIONS: "8",
          KAFKA_LOG_DIRS: "/tmp/kafka-logs",
          ...environment,
        })
        .withEntrypoint(["bash", "-c"])
        .withCommand([
          '[ -f /tmp/kafka-logs/meta.properties ] && exec java $KAFKA_HEAP_OPTS -cp "/opt/kafka/libs/*" kafka.Kafka /opt/kafka/config/server.properties; exec /etc/kafka/docker/run',
        ])
        .start(),
    ),
  );
  const containers = starts.flatMap((start) =>
    start.status === "fulfilled" ? start.value : [],
  );
  const failed = starts.find(({ status }) => status === "rejected");
  if (failed) {
    await Promise.all(containers.map((c) => c.stop({ timeout: 0 })));
    await network.stop();
    throw (failed as PromiseRejectedResult).reason;
  }
  const addressOf = (id: number, name = "PLAIN") =>
    `127.0.0.1:${portOf(id, name)}`;
  const nodes = await Promise.all(
    ids.map((id) => nodeOf(id, containers[id - 1]!, portOf(id, "PLAIN"))),
  );
  const client = new Kafka({
    brokers: ids.map((id) => addressOf(id)),
    logLevel: 0,
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 1000 },
  });
  const admin = client.admin();
  await admin.connect();
  return {
    nodes,
    addresses: (name) => ids.map((id) => addressOf(id, name)).join(","),
    admin,
    client,
    async heal() {
      for (const node of nodes) {
        await node.unpause();
        await node.start();
      }
    },
    async stop() {
      await admin.disconnect();
      await Promise.all(containers.map((c) => c.stop({ timeout: 0 })));
      await network.stop();
    },
  };
}

async function nodeOf(
  id: number,
  container: StartedTestContainer,
  port: number,
): Promise<KafkaNode> {
  const client = await getContainerRuntimeClient();
  const raw = client.container.getById(container.getId());
  const state = async () => (await raw.inspect()).State;
  await listening(container.getId(), port);
  return {
    id,
    address: `127.0.0.1:${port}`,
    async kill() {
      await raw.kill({ signal: "SIGKILL" });
      await raw.wait();
    },
    async start() {
      if ((await state()).Running) return;
      await raw.start();
      await listening(container.getId(), port);
    },
    pause: () => raw.pause(),
    async unpause() {
      if ((await state()).Paused) await raw.unpause();
    },
  };
}
