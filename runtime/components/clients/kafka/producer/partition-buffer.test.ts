import { createPartitionBuffer, type Entry } from "./partition-buffer.ts";

const entry = (size: number) => ({ size }) as Entry;
const sender = { producerId: 1n, epoch: 0 };
const filled = (sizes: number[], maxMessageBytes = 1_000_000) => {
  const buffer = createPartitionBuffer(0, maxMessageBytes);
  buffer.entries.push(...sizes.map(entry));
  buffer.fill();
  return buffer;
};

test("a batch holds what fits, and at least one", () => {
  const buffer = filled([400, 400, 400], 1000);
  expect(buffer.batch!.entries).toHaveLength(2);
  expect(filled([5000, 1], 1000).batch!.entries).toHaveLength(1);
});

test("while a batch is on its way no other is formed", () => {
  const buffer = filled([1, 1]);
  const { batch } = buffer;
  buffer.entries.push(entry(1));
  expect(buffer.fill()).toBe(true);
  expect(buffer.batch).toBe(batch);
});

test("numbers go on after what was stored and are free again after a refusal", () => {
  const buffer = filled([1, 1, 1]);
  expect(buffer.nextSequence(sender).first).toBe(0);
  buffer.stored();
  buffer.entries.push(entry(1));
  buffer.fill();
  expect(buffer.nextSequence(sender).first).toBe(3);
  buffer.refused();
  expect(buffer.nextSequence(sender).first).toBe(3);
});

test("a new producer id counts from 0", () => {
  const buffer = filled([1]);
  buffer.nextSequence(sender);
  buffer.stored();
  expect(buffer.nextSequence({ producerId: 2n, epoch: 0 })).toEqual({
    producerId: 2n,
    epoch: 0,
    first: 0,
  });
});

test("a refused batch goes again in halves, in order", () => {
  const buffer = filled([1, 2, 3, 4, 5]);
  const { batch } = buffer;
  buffer.refused();
  buffer.split(batch!);
  buffer.fill();
  expect(buffer.batch!.entries.map(({ size }) => size)).toEqual([1, 2, 3]);
  buffer.stored();
  buffer.fill();
  expect(buffer.batch!.entries.map(({ size }) => size)).toEqual([4, 5]);
});
