/** pubsub.kafka against the contract of every message bus, on Apache Kafka. */
import { randomUUID } from "node:crypto";
import { startKafka, type KafkaBroker } from "./kafka-broker.ts";
import { pubsubContract } from "./pubsub-contract.ts";
import type { PubSubSetup } from "./pubsub-harness.ts";

let broker: KafkaBroker;
beforeAll(async () => {
  broker = await startKafka();
});
afterAll(() => broker?.stop());

pubsubContract("pubsub.kafka", {
  has: ["durable", "groups", "order", "metadata"],
  oddTopics: ["Orders.EU_1", "orders-eu.1"],
  makeSetup: async (): Promise<PubSubSetup> => ({
    metadata: {
      brokers: broker.address,
      authType: "none",
      consumerID: randomUUID(),
      initialOffset: "oldest",
      sessionTimeout: "6s",
      heartbeatInterval: "500ms",
      backOffInitialInterval: "20ms",
    },
    bad: [
      { metadata: {}, error: "kafka error: missing 'brokers' attribute" },
      { metadata: { brokers: "a:1" }, error: "missing 'authType' attribute" },
      {
        metadata: { brokers: "a:1", authType: "none", heartbeatInterval: "1m" },
        error: "must be shorter than sessionTimeout",
      },
    ],
    badEntry: {
      metadata: { partitionNumber: "4711" },
      error: /4711/,
    },
    outage: {
      begin: () => broker.kill(),
      end: () => broker.start(),
      error: /could not write to topic .*gave up after 20000 ms/,
    },
  }),
});
