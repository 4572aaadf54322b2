import { PartitionQueue, type Received } from "./partition-queue.ts";

/** Messages with these offsets, of so many bytes each. */
const messages = (offsets: number[], size = 1): Received[] =>
  offsets.map((offset) => ({
    offset,
    createdAtMs: 0,
    key: null,
    headers: null,
    size,
    value: new Uint8Array(0),
  }));
const offsets = (taken: Received[] | undefined) =>
  taken?.map(({ offset }) => offset);
/** Only the other reason to hand over can come first. */
const hourMs = 3_600_000;

test("as many messages are handed over as may be, and the rest next", async () => {
  const queue = new PartitionQueue(1, "orders", 0);
  queue.add(messages([0, 1, 2]));
  const limits = { maxMessages: 2, maxAwaitMs: 0 };
  expect(offsets(await queue.take(limits))).toEqual([0, 1]);
  expect(offsets(await queue.take(limits))).toEqual([2]);
});

test("a message waits for others until there are enough, or its time is over", async () => {
  const queue = new PartitionQueue(1, "orders", 0);
  const enough = queue.take({ maxMessages: 2, maxAwaitMs: hourMs });
  queue.add(messages([0]));
  queue.add(messages([1]));
  expect(offsets(await enough)).toEqual([0, 1]);
  queue.add(messages([2]));
  const late = queue.take({ maxMessages: 2, maxAwaitMs: 1 });
  expect(offsets(await late)).toEqual([2]);
});

test("no message waits for others that are read only once it is taken", async () => {
  const queue = new PartitionQueue(1, "orders", 0);
  const limits = { maxMessages: 1000, maxAwaitMs: hourMs };
  queue.add(messages([0], 2 ** 20));
  expect(offsets(await queue.take(limits))).toEqual([0]);
  queue.add(messages(Array.from({ length: 200 }, (_, n) => n + 1)));
  expect(await queue.take(limits)).toHaveLength(200);
});

test("a queue that ends hands nothing over", async () => {
  const queue = new PartitionQueue(1, "orders", 0);
  const taking = queue.take({ maxMessages: 2, maxAwaitMs: hourMs });
  queue.add(messages([0]));
  queue.end.abort();
  expect(await taking).toBeUndefined();
});
