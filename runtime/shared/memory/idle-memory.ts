/**
 * Gives memory back once a burst is over. V8 collects garbage only when it
 * allocates, so an idle thread would keep for good what one large list or answer
 * left behind.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startInterval } from "../timers.ts";

export interface IdleMemoryOptions {
  /** The time between two looks. */
  everyMs?: number;
  /** Memory has to grow by so many bytes since the last collection, or by half, to be worth another one. */
  worthwhileBytes?: number;
}

/** A thread that allocates more than this between two looks is busy, and collects by itself. */
const quietBytes = 4 * 1024 * 1024;

/** Watches the calling thread, as long as it lives. Returns how to stop. */
export function watchIdleMemory({
  everyMs = 2000,
  worthwhileBytes = 32 * 1024 * 1024,
}: IdleMemoryOptions = {}): () => void {
  let before = heldBytes();
  let least = before;
  const timer = startInterval(() => {
    const now = heldBytes();
    const isQuiet = Math.abs(now - before) < quietBytes;
    before = now;
    least = Math.min(least, now);
    if (!isQuiet || now - least < Math.max(worthwhileBytes, least / 2)) return;
    collect();
    before = least = heldBytes();
  }, everyMs).unref();
  return () => clearInterval(timer);
}

function heldBytes(): number {
  const { total_heap_size, external_memory } = getHeapStatistics();
  return total_heap_size + external_memory;
}

function collect() {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
