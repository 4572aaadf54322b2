import { waitFor } from "../../../tests/wait-for.ts";
import { recordingLog } from "../../../tests/support/recording-log.ts";
import { DeliveryInterrupted } from "../../contracts/delivery.ts";
import { openInMemory } from "./in-memory.ts";

function open() {
  const log = recordingLog();
  const bus = openInMemory(log);
  const publish = (topic: string, data: string, call?: AbortSignal) =>
    bus.publish(
      {
        topic,
        data: Buffer.from(data),
        contentType: "text/plain",
        metadata: {},
      },
      call && { door: "http", signal: () => call },
    );
  return { bus, log, publish };
}

const text = ({ data }: { data: Uint8Array }) => Buffer.from(data).toString();

test("each subscription gets the messages of its topic in their order, one at a time", async () => {
  const { bus, publish } = open();
  const seen: string[][] = [[], []];
  let isUnderWay = false;
  for (const list of seen)
    await bus.subscribe({ topic: "a", metadata: {} }, async (message) => {
      if (list === seen[0]) {
        expect(isUnderWay).toBe(false);
        isUnderWay = true;
        await new Promise(setImmediate);
        isUnderWay = false;
      }
      list.push(text(message));
    });
  for (let i = 0; i < 5; i++) await publish("a", `${i}`);
  await publish("b", "other");
  const all = ["0", "1", "2", "3", "4"];
  await waitFor("all messages", () => seen[0]!.length === 5);
  expect(seen).toEqual([all, all]);
  await bus.close();
});

test("a pattern stands for topics with at least one more character, and the message says which", async () => {
  const { bus, publish } = open();
  const seen: string[] = [];
  await bus.subscribe(
    { topic: "orders/*", metadata: {} },
    async ({ topic }) => {
      seen.push(topic);
    },
  );
  for (const topic of [
    "orders/",
    "orders/1",
    "orders",
    "orders/x/y",
    "ordersX",
  ])
    await publish(topic, "");
  await waitFor("both messages", () => seen.length === 2);
  await bus.close();
  expect(seen).toEqual(["orders/1", "orders/x/y"]);
});

test("a message that is not taken is delivered ten times", async () => {
  const { bus, log, publish } = open();
  let tries = 0;
  const seen: string[] = [];
  await bus.subscribe({ topic: "a", metadata: {} }, async (message) => {
    if (text(message) === "bad" && ++tries > 0) throw new Error("no");
    seen.push(text(message));
  });
  await publish("a", "bad");
  await publish("a", "good");
  await waitFor("the next message", () => seen.length === 1);
  expect(tries).toBe(10);
  expect(log.lines.at(-1)).toBe(
    "error a message of topic a given up after 10 deliveries: no",
  );
  await bus.close();
});

test("publishers wait while a subscription is full, until the caller leaves", async () => {
  const { bus, publish } = open();
  const gate = Promise.withResolvers<void>();
  let taken = 0;
  await bus.subscribe({ topic: "a", metadata: {} }, async () => {
    await gate.promise;
    taken++;
  });
  // One is under way, and as many wait as may.
  for (let i = 0; i <= 1000; i++) await publish("a", "");
  const leaving = new AbortController();
  const left = publish("a", "", leaving.signal);
  const patient = publish("a", "last");
  leaving.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  gate.resolve();
  await patient;
  await waitFor("all messages", () => taken === 1002);
  await bus.close();
});

test("what waits at the end of a subscription is lost, and told", async () => {
  const { bus, log, publish } = open();
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const stop = await bus.subscribe({ topic: "a", metadata: {} }, async () => {
    called.resolve();
    await gate.promise;
    throw new DeliveryInterrupted("it stops");
  });
  await publish("a", "1");
  await publish("a", "2");
  await called.promise;
  const stopped = stop();
  gate.resolve();
  await stopped;
  expect(log.lines).toEqual([
    "warning a message of topic a lost with the end of the subscription: this component keeps none",
    "warning a message of topic a not taken before the end of the subscription, and lost: this component keeps none",
  ]);
  await publish("a", "3");
  await bus.close();
});

test("a bulk waits for others, and only what failed of it comes again", async () => {
  const { bus, publish } = open();
  const bulks: string[][] = [];
  await bus.subscribeBulk!(
    { topic: "a", metadata: {} },
    { maxMessages: 3, maxAwaitMs: 3_600_000 },
    async (messages) => {
      bulks.push(messages.map(text));
      return messages.map((message) =>
        text(message) === "2" && bulks.length === 1
          ? new Error("again")
          : undefined,
      );
    },
  );
  for (let i = 1; i <= 6; i++) await publish("a", `${i}`);
  await waitFor("both bulks", () => bulks.length === 3);
  expect(bulks).toEqual([["1", "2", "3"], ["2"], ["4", "5", "6"]]);
  await bus.close();
});
