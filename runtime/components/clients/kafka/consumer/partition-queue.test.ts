import { startPartitionQueue, type PartitionQueue } from "./partition-queue.ts";
import { encodeBatch } from "../protocol/record-batch.ts";
import { waitFor } from "../../../../../tests/wait-for.ts";

const sequence = { producerId: -1n, epoch: -1, first: -1 };

/** A batch of records whose values are their offsets. */
async function batch(from: number, to: number): Promise<Buffer> {
  const records = Array.from({ length: to - from }, (_, n) => ({
    key: undefined,
    value: Buffer.from(String(from + n)),
    headers: [] as [string, Buffer][],
    timestamp: 0,
  }));
  const bytes = await encodeBatch(records, sequence, "none");
  bytes.writeBigInt64BE(BigInt(from), 0);
  return bytes;
}

const queues: PartitionQueue[] = [];
afterEach(async () => {
  await Promise.all(queues.splice(0).map((queue) => queue.stop()));
});

function open(
  offset: number,
  more: Partial<Parameters<typeof startPartitionQueue>[0]> = {},
) {
  const taken: number[] = [];
  const failures: string[] = [];
  const queue = startPartitionQueue({
    topic: "t",
    partition: 0,
    offset,
    budgetBytes: 1e6,
    async handle(_topic, _partition, { value }) {
      taken.push(Number(value));
    },
    previous: undefined,
    continues: false,
    onProgress() {},
    onFailure: ({ message }) => failures.push(message),
    ...more,
  });
  queues.push(queue);
  return { queue, taken, failures };
}

test("what lies before the position in a batch is not delivered", async () => {
  const { queue, taken } = open(3);
  queue.push(await batch(0, 6));
  await waitFor("the rest", () => queue.doneOffset === 6);
  expect(taken).toEqual([3, 4, 5]);
});

test("moved back, what is done goes back at once; what was fetched before is delivered first and counts no more", async () => {
  const gate = Promise.withResolvers<void>();
  const taken: number[] = [];
  const { queue } = open(50, {
    async handle(_topic, _partition, { value }) {
      await gate.promise;
      taken.push(Number(value));
    },
  });
  queue.push(await batch(50, 53));
  queue.moveTo(0);
  expect([queue.doneOffset, queue.fetchOffset]).toEqual([0, 0]);
  queue.push(await batch(0, 2));
  gate.resolve();
  await waitFor("the new ones", () => queue.doneOffset === 2);
  expect(taken).toEqual([50, 51, 52, 0, 1]);
});

test("a queue without a position has nothing to commit until it is moved to one", async () => {
  const { queue } = open(-1);
  expect([queue.doneOffset, queue.fetchOffset]).toEqual([-1, -1]);
  queue.moveTo(7);
  expect([queue.doneOffset, queue.fetchOffset]).toEqual([7, 7]);
});

test("what the same reader did before counts, unless the topic is another", async () => {
  const first = open(0);
  first.queue.push(await batch(0, 5));
  await waitFor("all five", () => first.queue.doneOffset === 5);
  await first.queue.stop();
  const next = open(2, { previous: first.queue, continues: true });
  await waitFor("the position", () => next.queue.doneOffset === 5);
  const anew = open(0, { previous: first.queue, continues: false });
  anew.queue.push(await batch(0, 1));
  await waitFor("the first", () => anew.taken.length === 1);
  expect(anew.queue.doneOffset).toBe(1);
});

test("an old message format is told and asks for no more", async () => {
  const { queue, failures } = open(0);
  const bytes = await batch(0, 1);
  bytes[16] = 1;
  queue.push(bytes);
  expect(failures).toEqual([
    expect.stringContaining("messages in Kafka's old format 1"),
  ]);
  expect(queue.full).toBe(true);
});
