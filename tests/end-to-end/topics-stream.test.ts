/** SubscribeTopicEventsAlpha1 (docs/protocol/pubsub.md): events for an app without a port. */
import { status } from "@grpc/grpc-js";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { closeGrpc, openGrpc } from "../support/grpc-api.ts";
import { fileBus, memoryBus, publish } from "../support/topics.ts";
import { openTopicStream } from "../support/topic-stream.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  closeGrpc();
  await stopAll();
});

async function start(bus = fileBus()) {
  const sidecar = await startDaprd({ resources: { "bus.yaml": bus } });
  return { sidecar, api: openGrpc(sidecar.grpcPort) };
}

test("events come to an app without a port, each until it is answered", async () => {
  const { sidecar, api } = await start();
  const stream = openTopicStream(api);
  expect(await stream.greeted).toMatchObject({ initialResponse: {} });
  await publish(sidecar, "orders", { n: 1 });
  const event = await waitFor("the event", () => stream.events[0]);
  expect(event).toMatchObject({
    topic: "orders",
    pubsubName: "bus",
    path: "/",
    source: "testapp",
    dataContentType: "application/json",
  });
  stream.answer("somebody else's");
  stream.answer(event["id"], "RETRY");
  await waitFor("the event again", () => stream.events[1]);
  // No status is a success.
  stream.answer(event["id"]);
  await publish(sidecar, "orders", { n: 2 });
  await waitFor("the next", () => stream.data().includes('{"n":2}'));
  const metadata = await sidecar.call("GET", "/v1.0/metadata");
  expect(metadata.json()).toMatchObject({
    subscriptions: [
      {
        pubsubname: "bus",
        topic: "orders",
        rules: [{ path: "/" }],
        type: "STREAMING",
      },
    ],
  });
});

test("many are in flight, and are answered in any order", async () => {
  const { sidecar, api } = await start(fileBus({ partitions: "8" }));
  const stream = openTopicStream(api);
  await stream.greeted;
  for (let n = 0; n < 32; n++)
    await publish(sidecar, "orders", n, {
      query: `?metadata.partitionKey=${n}`,
    });
  await waitFor("several", () => stream.events.length > 2);
  const done = new Set<unknown>();
  await waitFor("all", () => {
    for (const { id } of stream.events.toReversed())
      if (!done.has(id)) {
        done.add(id);
        stream.answer(id, "SUCCESS");
      }
    return done.size === 32;
  });
  expect(new Set(stream.data()).size).toBe(32);
});

test("streams of one topic compete; what a lost one has not answered goes to another one", async () => {
  const { sidecar, api } = await start();
  const first = openTopicStream(api);
  await first.greeted;
  await publish(sidecar, "orders", 1);
  await waitFor("the event", () => first.events[0]);
  const second = openTopicStream(openGrpc(sidecar.grpcPort));
  await second.greeted;
  expect(second.events).toEqual([]);
  first.cancel();
  const event = await waitFor("the event again", () => second.events[0]);
  second.answer(event["id"], "SUCCESS");
  await publish(sidecar, "orders", 2);
  await waitFor("the next", () => second.data().includes("2"));
});

test("the loss of the last stream keeps the message for the next one", async () => {
  const { sidecar, api } = await start();
  const stream = openTopicStream(api);
  await stream.greeted;
  await publish(sidecar, "orders", 1);
  await waitFor("the event", () => stream.events[0]);
  stream.cancel();
  await sidecar.logged("Unsubscribed from pubsub 'bus' topic 'orders'");
  const next = openTopicStream(api);
  await waitFor("the event again", () => next.events[0]);
});

test("what is dropped goes to the dead-letter topic", async () => {
  const { sidecar, api } = await start();
  const graves = openTopicStream(api, { pubsubName: "bus", topic: "graves" });
  await graves.greeted;
  const stream = openTopicStream(api, {
    pubsubName: "bus",
    topic: "orders",
    deadLetterTopic: "graves",
  });
  await stream.greeted;
  await publish(sidecar, "orders", "x");
  const event = await waitFor("the event", () => stream.events[0]);
  stream.answer(event["id"], "DROP");
  await waitFor("the grave", () => graves.data()[0]);
});

test.each([
  [{ pubsubName: "", topic: "t" }, status.UNKNOWN, "pubsubName is required"],
  [{ pubsubName: "bus", topic: "" }, status.UNKNOWN, "topic is required"],
  [
    { pubsubName: "gone", topic: "t" },
    status.INVALID_ARGUMENT,
    "pubsub gone is not found",
  ],
])("an initial request %j is refused", async (initial, code, text) => {
  const { api } = await start(memoryBus());
  expect(await openTopicStream(api, initial).ended).toEqual({ code, text });
});

test("an answer before the initial request, a second one, and a half-close end the stream", async () => {
  const { api } = await start(memoryBus());
  const early = openTopicStream(api, "none");
  early.answer("1");
  expect(await early.ended).toEqual({
    code: status.UNKNOWN,
    text: "initial request is required",
  });

  const second = openTopicStream(api);
  await second.greeted;
  second.send({ initialRequest: { pubsubName: "bus", topic: "orders" } });
  expect(await second.ended).toEqual({
    code: status.UNKNOWN,
    text: "duplicate initial request received",
  });

  const closed = openTopicStream(api);
  await closed.greeted;
  closed.halfClose();
  expect((await closed.ended).code).toBe(status.UNKNOWN);
});

test("at the sidecar's end a stream gets its answers in, and is told to come again", async () => {
  const { sidecar, api } = await start();
  const stream = openTopicStream(api);
  await stream.greeted;
  await publish(sidecar, "orders", 1);
  const event = await waitFor("the event", () => stream.events[0]);
  const stopped = sidecar.stop();
  await sidecar.logged("Dapr is shutting down");
  stream.answer(event["id"], "SUCCESS");
  expect(await stream.ended).toEqual({
    code: status.UNAVAILABLE,
    text: "the sidecar shuts down",
  });
  expect((await stopped).code).toBe(0);
});
