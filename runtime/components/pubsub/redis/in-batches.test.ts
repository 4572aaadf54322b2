import { inBatches } from "./in-batches.ts";

const turn = () => new Promise(setImmediate);

test("what comes while a call is under way goes with the next one, so many at most", async () => {
  const calls: number[][] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const ask = inBatches(3, (some: number[]) => {
    calls.push(some);
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  });
  const first = ask(1);
  await turn();
  const later = [2, 3, 4, 5].map(ask);
  await turn();
  expect(calls).toEqual([[1]]);
  ends[0]!.resolve();
  await first;
  await turn();
  expect(calls).toEqual([[1], [2, 3, 4]]);
  ends[1]!.reject(new Error("refused"));
  const outcomes = await Promise.allSettled(later.slice(0, 3));
  expect(outcomes.map(({ status }) => status)).toEqual([
    "rejected",
    "rejected",
    "rejected",
  ]);
  await turn();
  expect(calls.at(-1)).toEqual([5]);
  ends[2]!.resolve();
  await later[3];
});
