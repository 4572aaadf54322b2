/** The drills that touch bindings, on Apache Kafka. */
import { startKafka, type KafkaBroker } from "../contracts/kafka-broker.ts";
import { endFlows, partitions, type Place } from "./flow.ts";
import { sidecarKilled } from "./r1-sidecar-killed.ts";
import { appKilled } from "./r2-app-killed.ts";
import { brokerKilled } from "./r3-broker-killed.ts";
import { appErrors } from "./r4-app-errors.ts";
import { poisonousOrder } from "./r5-poison.ts";
import { slowApp } from "./r6-slow-app.ts";
import { sigterm } from "./r8-sigterm.ts";

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
  component: (topics, _folder, metadata, name) => `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: ${name}
spec:
  type: bindings.kafka
  version: v1
  metadata:
${Object.entries({
  brokers: broker.address,
  authRequired: "false",
  topics,
  heartbeatInterval: "300ms",
  ...metadata,
})
  .map(([key, value]) => `    - name: ${key}\n      value: "${value}"\n`)
  .join("")}`,
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
