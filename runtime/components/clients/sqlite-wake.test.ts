import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wakeOnChange } from "./sqlite-wake.ts";

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

test("without a watch it still looks, ever more slowly", async () => {
  const { look, more, count } = looks();
  const stop = wakeOnChange("/nowhere/at-all-wal", look);
  const start = performance.now();
  await more(16);
  // 1 ms growing by half: the 16th look comes after about a second, not after 16 ms.
  expect(performance.now() - start).toBeGreaterThan(500);
  stop();
  const atStop = count();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(count()).toBe(atStop);
});

test("a touched file makes it look at once and quickly again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sqlite-wake-"));
  const path = join(folder, "x-wal");
  writeFileSync(path, "");
  const { look, more } = looks();
  const stop = wakeOnChange(path, look);
  await more(15); // slow by now
  const start = performance.now();
  utimesSync(path, 1, 1);
  await more(6);
  expect(performance.now() - start).toBeLessThan(150);
  stop();
  rmSync(folder, { recursive: true });
});
