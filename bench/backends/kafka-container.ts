/** The run's Kafka, in Docker, on loopback. It is removed at the end. */
import { freePorts } from "../loopback.ts";
import { startContainer, type Container } from "./container.ts";

export interface KafkaContainer extends Container {
  brokers: string;
}

export async function startKafkaContainer(): Promise<KafkaContainer> {
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
  const env = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`KAFKA_${key}`, value]),
  );
  const container = await startContainer("apache/kafka:4.1.1", env);
  return { ...container, brokers: `127.0.0.1:${broker}` };
}
