/** A reader's sidecar is killed on a cluster of three brokers. Orders that come twice are counted. */
import {
  startKafkaCluster,
  type KafkaCluster,
} from "../contracts/kafka-cluster.ts";
import { component } from "../support/component.ts";
import { waitFor } from "../wait-for.ts";
import {
  duplicatesIn,
  endFlows,
  expectInOrder,
  killSidecar,
  openFlow,
  partitions,
  shortSessionMs,
  type Place,
} from "./flow.ts";

let cluster: KafkaCluster;

beforeAll(async () => {
  cluster = await startKafkaCluster({
    KAFKA_NUM_PARTITIONS: String(partitions),
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: "true",
  });
}, 600_000);
afterAll(() => cluster?.stop());
afterEach(endFlows);

const place: Place = {
  name: "kafka",
  component: (topics, _folder, metadata, name) =>
    component(name, "bindings.kafka", {
      brokers: cluster.addresses(),
      authType: "none",
      topics,
      heartbeatInterval: "300ms",
      ...metadata,
    }),
};

test("with three kills in 3,000 orders none is lost, the order is kept, and at most 300 come twice", async () => {
  const flow = await openFlow(place, { sessionMs: shortSessionMs });
  const sending = flow.send(3000);
  for (let kill = 1; kill <= 3; kill++) {
    const before = flow.accepted().length;
    await waitFor(
      "500 more deliveries",
      () => flow.accepted().length >= before + 500,
      240_000,
    );
    await killSidecar(flow.consumer);
    await flow.startConsumer();
  }
  await sending.done;
  await flow.arrived(sending, 240_000);
  expect(sending.acked.size).toBe(3000);
  expectInOrder(flow.accepted());
  expect(duplicatesIn(flow.accepted())).toBeLessThanOrEqual(300);
}, 600_000);
