/** Kafka: started in Docker for the run, or one that already runs. */
import { randomUUID } from "node:crypto";
import { Kafka, logLevel, Partitioners, type Admin } from "kafkajs";
import { nowUs } from "../child.ts";
import { order } from "../orders.ts";
import { componentYaml, type Broker } from "./backend.ts";

// kafkajs sets a timer with a negative delay after each answer, and Node 24
// warns of it once. That is harmless here. All other warnings still show.
process.removeAllListeners("warning");
process.on("warning", (warning) => {
  if (warning.name !== "TimeoutNegativeWarning") console.warn(warning);
});

export async function kafkaBackend(
  brokers: string,
  pids: number[],
): Promise<Broker> {
  const kafka = new Kafka({
    clientId: "bench",
    brokers: brokers.split(","),
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const admin = await connected(kafka, brokers);
  async function stored(topic: string): Promise<number> {
    const [partition] = await admin.fetchTopicOffsets(topic);
    return Number(partition!.high) - Number(partition!.low);
  }

  /** A broker with much to do answers for a moment that it does not know the topic. */
  async function untilHosted(topic: string): Promise<void> {
    const giveUpAt = nowUs() + 30e6;
    for (;;)
      try {
        await stored(topic);
        return;
      } catch (error) {
        if (nowUs() > giveUpAt) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
  }

  return {
    name: "kafka",
    pids,
    async createTopic() {
      const topic = `bench-${randomUUID()}`;
      await admin.createTopics({
        topics: [{ topic, numPartitions: 1 }],
        waitForLeaders: false,
      });
      await untilHosted(topic);
      return topic;
    },
    removeTopic: (topic) => admin.deleteTopics({ topics: [topic] }),
    async fill(topic, count) {
      // A new producer for each topic: kafkajs asks for all topics it ever saw, and fails on removed ones.
      const producer = kafka.producer({
        createPartitioner: Partitioners.DefaultPartitioner,
      });
      await producer.connect();
      for (let from = 0; from < count; from += 500) {
        const ids = Array.from(
          { length: Math.min(500, count - from) },
          (_, i) => from + i,
        );
        const messages = ids.map((id) => ({
          value: order(id, nowUs()),
          partition: 0,
        }));
        await producer.send({ topic, acks: -1, messages });
      }
      await producer.disconnect();
      const held = await stored(topic);
      if (held !== count)
        throw new Error(
          `bench: ${topic} holds ${held} of ${count} prefilled orders`,
        );
    },
    stored,
    component: (topic, { direction, group }) =>
      componentYaml("bindings.kafka", {
        brokers,
        topics: topic,
        publishTopic: topic,
        consumerGroup: group,
        initialOffset: "oldest",
        authRequired: "false",
        direction,
      }),
    close: () => admin.disconnect(),
  };
}

/** Waits until Kafka answers: a new container takes seconds. */
async function connected(kafka: Kafka, brokers: string): Promise<Admin> {
  const giveUpAt = nowUs() + 60e6;
  for (;;) {
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.describeCluster();
      return admin;
    } catch (error) {
      await admin.disconnect();
      if (nowUs() > giveUpAt)
        throw new Error(
          `bench: no Kafka answers at ${brokers} within 60 s: ${(error as Error).message}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
