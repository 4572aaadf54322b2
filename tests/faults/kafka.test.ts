/** The drills of bindings, on Apache Kafka. */
import { startKafka, type KafkaBroker } from "../contracts/kafka-broker.ts";
import { component } from "../support/component.ts";
import { endFlows, partitions, type Place } from "./flow.ts";
import { sidecarKilled } from "./sidecar-killed.ts";
import { appKilled } from "./app-killed.ts";
import { brokerKilled } from "./broker-killed.ts";
import { appErrors } from "./app-errors.ts";
import { poisonousOrder } from "./poisonous-order.ts";
import { slowApp } from "./slow-app.ts";
import { sigterm } from "./sigterm.ts";

let broker: KafkaBroker;

beforeAll(async () => {
  broker = await startKafka({
    KAFKA_NUM_PARTITIONS: String(partitions),
    KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: "1000",
  });
});
afterAll(() => broker?.stop());
afterEach(endFlows);

const place: Place = {
  name: "kafka",
  component: (topics, _folder, metadata, name) =>
    component(name, "bindings.kafka", {
      brokers: broker.address,
      authRequired: "false",
      topics,
      heartbeatInterval: "300ms",
      ...metadata,
    }),
};

for (const drill of [
  sidecarKilled,
  appKilled,
  appErrors,
  poisonousOrder,
  slowApp,
  sigterm,
])
  drill(() => place);
brokerKilled(
  () => place,
  () => broker,
);
