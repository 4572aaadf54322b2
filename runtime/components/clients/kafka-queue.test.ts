import { createPartitionQueue, type Entry } from "./kafka-queue.ts";

const entry = (size: number) => ({ size }) as Entry;
const sender = { producerId: 1n, epoch: 0 };
const filled = (sizes: number[], maxMessageBytes = 1_000_000) => {
  const queue = createPartitionQueue(0, maxMessageBytes);
  queue.entries.push(...sizes.map(entry));
  queue.fill();
  return queue;
};

test("a batch holds what fits, and at least one", () => {
  const queue = filled([400, 400, 400], 1000);
  expect(queue.batch!.entries).toHaveLength(2);
  expect(filled([5000, 1], 1000).batch!.entries).toHaveLength(1);
});

test("while a batch is on its way no other is formed", () => {
  const queue = filled([1, 1]);
  const { batch } = queue;
  queue.entries.push(entry(1));
  expect(queue.fill()).toBe(true);
  expect(queue.batch).toBe(batch);
});

test("numbers go on after what was stored and are free again after a refusal", () => {
  const queue = filled([1, 1, 1]);
  expect(queue.nextSequence(sender).first).toBe(0);
  queue.stored();
  queue.entries.push(entry(1));
  queue.fill();
  expect(queue.nextSequence(sender).first).toBe(3);
  queue.refused();
  expect(queue.nextSequence(sender).first).toBe(3);
});

test("a new producer id counts from 0", () => {
  const queue = filled([1]);
  queue.nextSequence(sender);
  queue.stored();
  expect(queue.nextSequence({ producerId: 2n, epoch: 0 })).toEqual({
    producerId: 2n,
    epoch: 0,
    first: 0,
  });
});

test("a refused batch goes again in halves, in order", () => {
  const queue = filled([1, 2, 3, 4, 5]);
  const { batch } = queue;
  queue.refused();
  queue.split(batch!);
  queue.fill();
  expect(queue.batch!.entries.map(({ size }) => size)).toEqual([1, 2, 3]);
  queue.stored();
  queue.fill();
  expect(queue.batch!.entries.map(({ size }) => size)).toEqual([4, 5]);
});
