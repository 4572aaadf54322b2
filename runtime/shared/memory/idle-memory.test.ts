import { getHeapStatistics } from "node:v8";
import { watchIdleMemory } from "./idle-memory.ts";
import { waitFor } from "../../../tests/wait-for.ts";

const megabyte = 1024 * 1024;

test("what an idle thread no longer needs is given back", async () => {
  let kept: number[][] | undefined = [];
  const start = getHeapStatistics().used_heap_size;
  const stop = watchIdleMemory({ everyMs: 20 });
  while (getHeapStatistics().used_heap_size < start + 80 * megabyte)
    kept.push(Array.from({ length: 10_000 }, (_, i) => i + 0.5));
  expect(kept.length).toBeGreaterThan(0);
  kept = undefined;
  await waitFor(
    "a collection",
    () => getHeapStatistics().used_heap_size < start + 20 * megabyte,
  );
  stop();
});
