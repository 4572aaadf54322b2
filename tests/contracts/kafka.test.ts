import { randomUUID } from "node:crypto";
import { bindingContract } from "./binding-contract.ts";
import { startKafka, type KafkaBroker } from "./kafka-broker.ts";

let broker: KafkaBroker;
beforeAll(async () => {
  broker = await startKafka();
});
afterAll(() => broker?.stop());

bindingContract("bindings.kafka", async () => {
  const topic = `orders-${randomUUID()}`;
  return {
    metadata: {
      brokers: broker.address,
      authType: "none",
      topics: topic,
      publishTopic: topic,
      consumerGroup: topic,
      initialOffset: "oldest",
      sessionTimeout: "6s",
      heartbeatInterval: "500ms",
    },
    bad: {
      metadata: { broker: broker.address, authType: "none" },
      error: "kafka error: missing 'brokers' attribute",
    },
  };
});
