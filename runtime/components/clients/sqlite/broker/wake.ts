/**
 * Notices that another process has written. Watching the WAL file gives quick
 * hints; a poll, which slows down when nothing happens, makes sure that nothing
 * is missed.
 */
import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { startTimer } from "../../../../shared/timers.ts";

const quickestMs = 1;
const slowestMs = 250;

/** Calls `look` at each hint and poll; it returns whether there was anything new. Returns how to stop. */
export function wakeOnChange(walPath: string, look: () => boolean): () => void {
  let delayMs = quickestMs;
  let timer: NodeJS.Timeout;
  const poll = () => {
    clearTimeout(timer);
    delayMs = look() ? quickestMs : Math.min(slowestMs, delayMs * 1.5);
    timer = startTimer(poll, delayMs);
  };
  const hint = () => {
    // The hint may come before the commit: look at once, and again after short steps.
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

/** Without a watch (a file system without events, no watches left) only the poll is used. */
function tryWatch(path: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, onEvent);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
