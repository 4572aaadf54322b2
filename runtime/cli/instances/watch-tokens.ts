/**
 * The tokens by which sidecars that `dapr run` started may be watched: one file for each, which only its user may
 * read. It is removed when the sidecar ends; of a run that was killed, when the next one begins.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../shared/files/make-folder.ts";
import { readRegular } from "../../shared/files/read-regular.ts";
import { replaceFile } from "../../shared/files/replace-file.ts";
import { startOf, type Started } from "../../shared/process/start.ts";
import type { Instance } from "./instances.ts";

interface WatchFile {
  /** When the sidecar started: a later process may have its ID. */
  started: Started;
  watchToken: string;
}

/** A file has some hundred bytes. */
const maxBytes = 16 * 1024;

const folderOf = (home: string) => join(home, "instances");
const fileOf = (home: string, pid: number) =>
  join(folderOf(home), `${pid}.json`);

/** `home` is `<dapr>`. Rejects if the folder can't be written. */
export async function keepWatchToken(
  home: string,
  pid: number,
  watchToken: string,
): Promise<void> {
  const started = await startOf(pid);
  if (started === undefined) return; // it has ended already
  makeFolder(folderOf(home), 0o700);
  await replaceFile(
    fileOf(home, pid),
    JSON.stringify({ started, watchToken } satisfies WatchFile),
    { mode: 0o600 },
  );
  await sweep(home);
}

export const dropWatchToken = (home: string, pid: number): Promise<void> =>
  rm(fileOf(home, pid), { force: true });

/** Undefined if this very process has none. */
export function readWatchToken(
  { daprd }: Instance,
  home: string,
): string | undefined {
  const found = read(fileOf(home, daprd.pid));
  return found?.started === daprd.started ? found.watchToken : undefined;
}

/** Removes the files of sidecars that are gone. */
async function sweep(home: string): Promise<void> {
  for (const name of await readdir(folderOf(home))) {
    const pid = Number(/^(\d+)\.json$/.exec(name)?.[1]);
    if (!pid) continue;
    const path = join(folderOf(home), name);
    const found = read(path);
    if (found && (await startOf(pid)) !== found.started)
      await rm(path, { force: true });
  }
}

/** Undefined if it has just been removed, or is no such file. */
function read(path: string): WatchFile | undefined {
  try {
    const found = JSON.parse(readRegular(path, maxBytes)) as Partial<WatchFile>;
    return typeof found.started === "string" &&
      typeof found.watchToken === "string"
      ? (found as WatchFile)
      : undefined;
  } catch {
    return undefined;
  }
}
