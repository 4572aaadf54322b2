/** Files that are replaced whole: whoever reads meanwhile, or after a crash, finds the old one or the new one. */
import { randomUUID } from "node:crypto";
import { lstat, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What is on its way to take a file's place; a process that was killed may leave one behind. */
const freshName = /^\.new-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const isFresh = (name: string): boolean => freshName.test(name);

export interface ReplaceOptions {
  /** Of the file; without it those of the file that is there, or what the umask leaves of 0666. */
  mode?: number;
  /** The old content matters: the new one is on the disk before it takes the place. */
  isPrecious?: boolean;
}

/** Writes beside, then renames. Rejects, with the old file untouched, where that fails or something else than a file is there. */
export async function replaceFile(
  path: string,
  content: Uint8Array | string,
  { mode, isPrecious = false }: ReplaceOptions = {},
): Promise<void> {
  const old = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (old && !old.isFile()) throw new Error(`not a file: ${path}`);
  const fresh = join(dirname(path), `.new-${randomUUID()}`);
  const wanted = mode ?? (old && old.mode & 0o7777);
  try {
    const file = await open(fresh, "wx", wanted ?? 0o666);
    try {
      // The umask has no say in a mode that is told.
      if (wanted !== undefined) await file.chmod(wanted);
      await file.writeFile(content);
      if (isPrecious && old) await file.datasync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
