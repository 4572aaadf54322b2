/** Notices that something in folders of resources may have changed. */
import { watch, type FSWatcher } from "node:fs";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { startInterval } from "../../shared/timers.ts";
import { isYaml } from "./files.ts";

/** An editor writes a file in several steps: what is read after so long without another is whole. */
const settleMs = 100;

/**
 * Calls `onChange` after each change, and each `relistMs` in any case: not all
 * file systems tell. Returns how to end it.
 */
export function watchFolders(
  folders: readonly string[],
  relistMs: number,
  log: Logger,
  onChange: () => void,
): () => void {
  const watchers = new Map<string, FSWatcher>();
  const untold = new Set<string>();
  let settling: NodeJS.Timeout | undefined;
  const later = () => {
    clearTimeout(settling);
    settling = setTimeout(onChange, settleMs);
  };

  function watchOne(folder: string): void {
    const lost = (error: unknown) => {
      watchers.get(folder)?.close();
      watchers.delete(folder);
      if (untold.has(folder)) return;
      untold.add(folder);
      log.warn(
        `changes in ${folder} are not told by the system (${messageOf(error)}); it is read again each ${relistMs / 1000} s`,
      );
    };
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // Databases that lie beside them change all the time.
        if (name === null || isYaml(name)) later();
      });
      watchers.set(folder, watcher);
      watcher.on("error", lost);
    } catch (error) {
      lost(error);
    }
  }

  for (const folder of folders) watchOne(folder);
  const relist = startInterval(() => {
    // A folder that was removed and made again is another one.
    for (const folder of folders) {
      watchers.get(folder)?.close();
      watchOne(folder);
    }
    onChange();
  }, relistMs).unref();
  return () => {
    clearTimeout(settling);
    clearInterval(relist);
    for (const watcher of watchers.values()) watcher.close();
  };
}
