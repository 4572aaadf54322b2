import { createGather, createWorkers } from "./workers.ts";

const turn = () => new Promise(setImmediate);
const never = new AbortController().signal;

/** Work that lasts until its `end` is called. */
function makeWork(begun: string[], name: string) {
  const { promise, resolve: end } = Promise.withResolvers<void>();
  return { run: () => (begun.push(name), promise), end };
}

test("so many run at once, in their order; what nobody has begun can be taken back", async () => {
  const workers = createWorkers(2, 10);
  const begun: string[] = [];
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) =>
    makeWork(begun, name),
  );
  for (const work of [a, b, c, d]) workers.add(work!);
  expect(begun).toEqual(["a", "b"]);
  workers.remove((work) => work === c);
  b!.end();
  await turn();
  expect(begun).toEqual(["a", "b", "d"]);
});

test("there is room for as many as may be read ahead, besides those that run", async () => {
  const workers = createWorkers(1, 2);
  const begun: string[] = [];
  const work = makeWork(begun, "a");
  for (let n = 0; n < 3; n++) workers.hold(10);
  expect(workers.room).toBe(-1);
  workers.add(work);
  expect(workers.room).toBe(0);
  let hasRoom = false;
  const waiting = workers.hasRoom(never).then(() => (hasRoom = true));
  await turn();
  expect(hasRoom).toBe(false);
  workers.release(10);
  await waiting;
  expect(workers.room).toBe(1);
  const stopping = new AbortController();
  workers.hold(10);
  const stopped = workers.hasRoom(stopping.signal);
  stopping.abort();
  await stopped;
});

test("while half of what may be read ahead waits for a worker, nothing is read", async () => {
  const workers = createWorkers(1, 4);
  const begun: string[] = [];
  const works = ["a", "b", "c", "d"].map((name) => makeWork(begun, name));
  for (const work of works) {
    workers.hold(10);
    workers.add(work);
  }
  let hasRoom = false;
  const waiting = workers.hasRoom(never).then(() => (hasRoom = true));
  await turn();
  expect([workers.room, hasRoom]).toEqual([1, false]);
  workers.release(10);
  works[0]!.end();
  await waiting;
  expect(begun).toEqual(["a", "b"]);
  expect(workers.room).toBe(2);
});

test("of large messages fewer are read ahead, but one for each worker", () => {
  const megabyte = 1024 * 1024;
  const workers = createWorkers(2, 100);
  // Nothing is known of their size yet.
  expect(workers.room).toBe(16);
  for (let n = 0; n < 50; n++) {
    workers.hold(100);
    workers.release(100);
  }
  expect(workers.room).toBe(100);
  for (let n = 0; n < 3; n++) workers.hold(2 * megabyte);
  expect(workers.room).toBeLessThanOrEqual(0);
  for (let n = 0; n < 3; n++) workers.release(2 * megabyte);
  workers.hold(5 * megabyte);
  expect(workers.room).toBe(1);
});

test("when nothing more can be read, what was gathered is called for", () => {
  const workers = createWorkers(1, 2);
  let calls = 0;
  const off = workers.onFull(() => calls++);
  workers.hold(10);
  expect(calls).toBe(0);
  workers.hold(10);
  expect(calls).toBe(1);
  off();
  workers.hold(10);
  expect(calls).toBe(1);
});

describe("a gather", () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  test("gives as many as go together, or those that came until the first one's time is over", () => {
    const given: number[][] = [];
    const gather = createGather<number>(
      { maxMessages: 3, maxAwaitMs: 100 },
      (some) => given.push(some),
    );
    for (const n of [1, 2, 3, 4]) gather.add(n);
    expect(given).toEqual([[1, 2, 3]]);
    jest.advanceTimersByTime(99);
    gather.add(5);
    jest.advanceTimersByTime(1);
    expect(given).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    gather.add(6);
    expect(gather.empty()).toEqual([6]);
    gather.flush();
    jest.advanceTimersByTime(1000);
    expect(given).toHaveLength(2);
  });
});
