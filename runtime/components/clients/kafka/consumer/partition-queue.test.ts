import {
  startPartitionQueue,
  type PartitionQueue,
  type TopicHandler,
} from "./partition-queue.ts";
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
    handler: {
      async handle(_partition, [record]) {
        taken.push(Number(record!.value));
      },
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
    handler: {
      async handle(_partition, [record]) {
        await gate.promise;
        taken.push(Number(record!.value));
      },
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

describe("in bulks", () => {
  const anHour = 3_600_000;
  /** Collects the bulks; each is held until `release` is called. */
  function bulks(bulk: NonNullable<TopicHandler["bulk"]>, budgetBytes = 1e6) {
    const seen: number[][] = [];
    const steps: { done(count: number): void; release(): void }[] = [];
    const handler: TopicHandler = {
      bulk,
      async handle(_partition, records, signal, done) {
        seen.push(records.map(({ value }) => Number(value)));
        await new Promise<void>((release) => {
          steps.push({ done, release });
          signal.addEventListener("abort", () => release());
        });
      },
    };
    const { queue, failures } = open(0, { handler, budgetBytes });
    const bulkIs = (n: number) =>
      waitFor(`bulk ${n}`, () => steps.length === n);
    return { seen, steps, queue, failures, bulkIs };
  }

  test("records of several batches go together, as many as are allowed", async () => {
    const { queue, seen, steps, bulkIs } = bulks({
      maxMessages: 4,
      maxAwaitMs: anHour,
    });
    queue.push(await batch(0, 3));
    queue.push(await batch(3, 5));
    queue.push(await batch(5, 8));
    await bulkIs(1);
    expect(queue.doneOffset).toBe(0);
    steps[0]!.done(2);
    expect(queue.doneOffset).toBe(2);
    steps[0]!.release();
    await bulkIs(2);
    expect(queue.doneOffset).toBe(4);
    steps[1]!.release();
    await waitFor("the end", () => queue.doneOffset === 8);
    expect(seen).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });

  test("the first one waits for others no longer than it is told", async () => {
    const { queue, seen, bulkIs } = bulks({ maxMessages: 9, maxAwaitMs: 1 });
    queue.push(await batch(0, 2));
    await bulkIs(1);
    expect(seen).toEqual([[0, 1]]);
  });

  test("a full queue waits for no others, as it gets none", async () => {
    const { queue, seen, bulkIs } = bulks(
      { maxMessages: 9, maxAwaitMs: anHour },
      1,
    );
    queue.push(await batch(0, 2));
    await bulkIs(1);
    expect(seen).toEqual([[0, 1]]);
  });

  test("records before and after a move are not in one bulk", async () => {
    const { queue, seen, steps, bulkIs } = bulks({
      maxMessages: 3,
      maxAwaitMs: anHour,
    });
    queue.push(await batch(0, 2));
    queue.moveTo(7);
    queue.push(await batch(7, 10));
    await bulkIs(1);
    steps[0]!.release();
    await bulkIs(2);
    expect(seen).toEqual([
      [0, 1],
      [7, 8, 9],
    ]);
    expect(queue.doneOffset).toBe(7);
  });

  test("what is before a batch that can't be unpacked is delivered", async () => {
    const { queue, seen, steps, failures, bulkIs } = bulks({
      maxMessages: 9,
      maxAwaitMs: anHour,
    });
    queue.push(await batch(0, 2));
    const broken = await batch(2, 3);
    broken.writeInt16BE(1, 21); // it says gzip and is not
    queue.push(broken);
    await bulkIs(1);
    expect(seen).toEqual([[0, 1]]);
    steps[0]!.release();
    await waitFor("the failure", () => failures.length === 1);
    expect(queue.doneOffset).toBe(2);
  });

  test("a stop drops what waits for others", async () => {
    const { queue, seen } = bulks({ maxMessages: 9, maxAwaitMs: anHour });
    queue.push(await batch(0, 2));
    await queue.stop();
    expect(seen).toEqual([]);
    expect(queue.doneOffset).toBe(0);
  });
});
