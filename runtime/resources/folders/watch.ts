/** Notices that something in folders of resources may have changed. */
import { watch, type FSWatcher } from "node:fs";
import { basename } from "node:path";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { startInterval } from "../../shared/timers.ts";
import { isYaml } from "./files.ts";

/** An editor writes a file in several steps: what is read after so long without another is whole. */
const settleMs = 100;
/** What is written all the time is read in between. */
const longestMs = 1000;
/** How often a folder that is gone is looked for. */
const lookMs = 1000;

/**
 * Calls `onChange` after each change of a file whose name `isRead`, and each `relistMs`
 * in any case: not all file systems tell. Returns how to end it.
 */
export function watchFolders(
  folders: readonly string[],
  relistMs: number,
  log: Logger,
  onChange: () => void,
  isRead: (name: string) => boolean = isYaml,
): () => void {
  const watchers = new Map<string, FSWatcher>();
  const told = new Set<string>();
  let settling: NodeJS.Timeout | undefined;
  let dueMs: number | undefined;

  function later(): void {
    const now = performance.now();
    dueMs ??= now + longestMs;
    clearTimeout(settling);
    settling = setTimeout(
      () => {
        dueMs = undefined;
        onChange();
      },
      Math.min(settleMs, Math.max(0, dueMs - now)),
    );
  }

  function drop(folder: string): void {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  }

  function watchOne(folder: string): void {
    drop(folder);
    const lost = (error: unknown) => {
      drop(folder);
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      if (told.has(folder)) return;
      told.add(folder);
      log.warn(
        `changes in ${folder} are not told by the system (${messageOf(error)}); it is read again each ${relistMs / 1000} s`,
      );
    };
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // The folder itself went, or another took its place.
        if (name === basename(folder)) drop(folder);
        // Databases that lie beside the files change all the time. `..data` is how a cluster's volume changes all of them at once.
        else if (name !== null && !isRead(name) && !name.startsWith(".."))
          return;
        later();
      });
      watchers.set(folder, watcher);
      watcher.on("error", lost);
    } catch (error) {
      lost(error);
    }
  }

  for (const folder of folders) watchOne(folder);
  const look = setInterval(() => {
    for (const folder of folders) {
      if (watchers.has(folder) || told.has(folder)) continue;
      watchOne(folder);
      if (watchers.has(folder)) later();
    }
  }, lookMs).unref();
  const relist = startInterval(() => {
    // A folder that was removed and made again is another one.
    for (const folder of folders) watchOne(folder);
    onChange();
  }, relistMs).unref();
  return () => {
    clearTimeout(settling);
    clearInterval(look);
    clearInterval(relist);
    for (const watcher of watchers.values()) watcher.close();
  };
}
