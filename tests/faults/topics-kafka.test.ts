/** The drills of pub/sub, on Apache Kafka. */
import { startKafka, type KafkaBroker } from "../contracts/kafka-broker.ts";
import { component } from "../support/component.ts";
import { endTopicFlows, type Bus } from "./topic-flow.ts";
import { topicsKilled } from "./topics-killed.ts";
import { topicsPoison } from "./topics-poison.ts";
import { topicsRebalance } from "./topics-rebalance.ts";
import { topicsResiliency } from "./topics-resiliency.ts";
import { topicsSlow } from "./topics-slow.ts";

let broker: KafkaBroker;
beforeAll(async () => {
  broker = await startKafka({
    KAFKA_NUM_PARTITIONS: "8",
    KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: "1000",
  });
});
afterAll(() => broker?.stop());
afterEach(endTopicFlows);

const bus = (): Bus => ({
  name: "kafka",
  component: (metadata) =>
    component("bus", "pubsub.kafka", {
      brokers: broker.address,
      authType: "none",
      initialOffset: "oldest",
      sessionTimeout: "4s",
      heartbeatInterval: "300ms",
      ...metadata,
    }),
  kill: () => broker.kill(),
  start: () => broker.start(),
});

topicsKilled(bus, { keepsOrder: true });
topicsRebalance(bus);
topicsPoison(bus, { hasPartitions: true });
topicsSlow(bus);
topicsResiliency(bus);
