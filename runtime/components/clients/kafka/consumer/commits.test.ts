import type { Logger } from "../../../../shared/log.ts";
import { createCommits } from "./commits.ts";
import type { Group, PartitionOffset } from "../group/group.ts";
import type { PartitionQueue } from "./partition-queue.ts";

const log = { debug: () => {} } as unknown as Logger;

function setup(commit = async () => {}) {
  const sent: PartitionOffset[][] = [];
  const queue = { topic: "t", partition: 0, doneOffset: 5 };
  const ends: Error[] = [];
  const group = {
    async commit(offsets: PartitionOffset[]) {
      sent.push(offsets);
      await commit();
    },
  } as Group;
  const commits = createCommits(
    group,
    () => [queue as PartitionQueue],
    log,
    (error) => ends.push(error),
  );
  return { sent, queue, ends, commits };
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("what is done is committed once, within 250 ms", async () => {
  const { sent, queue, commits } = setup();
  commits.schedule();
  queue.doneOffset = 7;
  commits.schedule();
  await jest.advanceTimersByTimeAsync(250);
  expect(sent).toEqual([[{ topic: "t", partition: 0, offset: 7 }]]);
  await jest.advanceTimersByTimeAsync(1000);
  expect(sent).toHaveLength(1);
});

test("what is done while a commit is on its way follows by itself", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const { sent, queue, commits } = setup(() => answered);
  commits.schedule();
  await jest.advanceTimersByTimeAsync(250);
  queue.doneOffset = 6;
  commits.schedule();
  answer();
  await jest.advanceTimersByTimeAsync(250);
  expect(sent.map(([first]) => first!.offset)).toEqual([5, 6]);
});

test("after the end of a generation a late delivery commits nothing", async () => {
  const { sent, queue, commits } = setup();
  await commits.finish(undefined);
  expect(sent).toHaveLength(1);
  queue.doneOffset = 6;
  commits.schedule();
  await jest.advanceTimersByTimeAsync(1000);
  expect(sent).toHaveLength(1);
});

test("a lost membership is not committed for, a rebalance is", async () => {
  const lost = setup();
  await lost.commits.finish(new Error("connection closed"));
  expect(lost.sent).toEqual([]);
  const rebalance = setup();
  await rebalance.commits.finish(
    Object.assign(new Error("rebalancing"), { type: "REBALANCE_IN_PROGRESS" }),
  );
  expect(rebalance.sent).toHaveLength(1);
});

test("a refused commit ends the generation", async () => {
  const { ends, commits } = setup(async () => {
    throw new Error("fenced");
  });
  commits.schedule();
  await jest.advanceTimersByTimeAsync(250);
  expect(ends.map(({ message }) => message)).toEqual(["fenced"]);
});
