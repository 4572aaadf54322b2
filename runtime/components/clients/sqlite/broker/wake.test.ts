import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wakeOnChange } from "./wake.ts";

/** Resolves at the nth look from now. */
function looks() {
  let count = 0;
  let waiting: { at: number; resolve: () => void }[] = [];
  return {
    look: () => {
      count++;
      for (const { at, resolve } of waiting) if (at <= count) resolve();
      waiting = waiting.filter(({ at }) => at > count);
      return false;
    },
    count: () => count,
    more: (n: number) =>
      new Promise<void>((resolve) => waiting.push({ at: count + n, resolve })),
  };
}

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask"] });
});
afterEach(() => void jest.useRealTimers());

test("without a watch it still looks, ever more slowly", () => {
  const { look, count } = looks();
  const stop = wakeOnChange("/nowhere/at-all-wal", look);
  const looksIn = (ms: number) => {
    const before = count();
    jest.advanceTimersByTime(ms);
    return count() - before;
  };
  expect(looksIn(20)).toBeGreaterThan(4);
  looksIn(2000);
  expect(looksIn(1000)).toBe(4); // one every 250 ms
  stop();
  expect(looksIn(10_000)).toBe(0);
});

test("a touched file makes it look at once and quickly again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-wake-"));
  const path = join(folder, "x-wal");
  writeFileSync(path, "");
  const { look, count, more } = looks();
  const stop = wakeOnChange(path, look);
  jest.advanceTimersByTime(5000); // slow by now
  const touched = more(1);
  utimesSync(path, 1, 1);
  await touched; // no timer goes on by itself: this is the watch's
  const before = count();
  jest.advanceTimersByTime(20);
  expect(count() - before).toBeGreaterThan(3);
  stop();
  rmSync(folder, { recursive: true });
});
