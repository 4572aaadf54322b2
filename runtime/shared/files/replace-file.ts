/** Replaces files as a whole: a reader, even after a crash, finds either the old one or the new one. */
import { lstat, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The name of a new file before it replaces the old one; a killed process may leave one behind. */
const freshName = /^\.new-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
export const isFresh = (name: string): boolean => freshName.test(name);

/** Random, and `wx` refuses one that is there. Every start makes one, and loading node:crypto for it would cost 6 ms. */
const newFreshName = () =>
  `.new-${hex(8)}-${hex(4)}-${hex(4)}-${hex(4)}-${hex(12)}`;

const hex = (digits: number) =>
  Math.floor(Math.random() * 16 ** digits)
    .toString(16)
    .padStart(digits, "0");

export interface ReplaceOptions {
  /** The file's mode. Without it, the mode of the existing file, or what the umask leaves of 0666. */
  mode?: number;
  /** True if the old content matters: then the new one is on the disk before it replaces the old one. */
  isPrecious?: boolean;
}

/** Writes a new file beside the old one, then renames it. Rejects, with the old file untouched, if that fails or something other than a file is there. */
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
  const fresh = join(dirname(path), newFreshName());
  const wanted = mode ?? (old && old.mode & 0o7777);
  try {
    const file = await open(fresh, "wx", wanted ?? 0o666);
    try {
      // The umask does not apply to a mode that is given.
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
