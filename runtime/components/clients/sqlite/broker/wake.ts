/**
 * Learns that another process has written. The watch of the WAL file is only a
 * hint that makes it quick; a poll that slows down when nothing happens makes it
 * certain.
 */
import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { startTimer } from "../../../../shared/timers.ts";

const quickestMs = 1;
const slowestMs = 250;

/** Calls `look` at every hint and poll; it says whether there was anything new. Returns what ends it. */
export function wakeOnChange(walPath: string, look: () => boolean): () => void {
  let delayMs = quickestMs;
  let timer: NodeJS.Timeout;
  const poll = () => {
    clearTimeout(timer);
    delayMs = look() ? quickestMs : Math.min(slowestMs, delayMs * 1.5);
    timer = startTimer(poll, delayMs);
  };
  const hint = () => {
    // The write may be seen before its commit: look at once and in short steps after.
    delayMs = quickestMs;
    poll();
  };
  const watcher = tryWatch(walPath, hint);
  timer = startTimer(poll, delayMs);
  return () => {
    clearTimeout(timer);
    watcher?.close();
  };
}

/** No watch (a file system without events, out of watches) means polling alone. */
function tryWatch(path: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, onEvent);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
