/** SQLite's result codes as sentences: what happened to which file, and what to do. */

/** Primary result codes, https://sqlite.org/rescode.html */
export const code = {
  busy: 5,
  locked: 6,
  readonly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
} as const;

/** The primary result code of an error of node:sqlite; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  const extended = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof extended === "number" ? extended & 0xff : undefined;
}

export const isBusy = (error: unknown) =>
  [code.busy, code.locked].includes(sqliteCode(error) as 5);

/** An etag does not match what is stored. */
export class Mismatch extends Error {}

/** Another program's transaction holds the file; ours was not begun. */
export class LockedError extends Error {
  readonly errcode: number | undefined;

  constructor(cause: Error & { errcode?: number }) {
    super(cause.message, { cause });
    this.errcode = cause.errcode;
  }
}

/** The file is not the one that was opened: deleted or replaced while in use. */
export class FileGone extends Error {
  override name = "FileGone";
}

/** After these errors the connection is not used again; the next request opens a new one. */
export function needsReopen(error: unknown): boolean {
  const fatal: number[] = [
    code.readonly,
    code.ioError,
    code.corrupt,
    code.cantOpen,
    code.notADatabase,
  ];
  return error instanceof FileGone || fatal.includes(sqliteCode(error) ?? 0);
}

const sentences: Record<number, string> = {
  [code.busy]:
    "locked by another program; close whatever holds it open and try again",
  [code.locked]:
    "locked by another program; close whatever holds it open and try again",
  [code.readonly]:
    "not writable; check the permissions of the file and its folder",
  [code.ioError]: "failing to be read or written; check the disk",
  [code.corrupt]:
    "damaged; stop the sidecars and move it away, a new one is then created",
  [code.full]:
    "full: no space left on the disk, or maxSize is reached because messages are not read; free space, start the reader or raise maxSize",
  [code.cantOpen]:
    "impossible to open; check that the folder exists and is writable",
  [code.notADatabase]:
    "not a SQLite database; name another path or move the file away",
};

/** The same error with the file's name and advice; `full` is what to say of a full disk. */
export function explain(
  error: unknown,
  path: string,
  full = sentences[code.full],
): Error {
  const found = sqliteCode(error);
  const sentence = found === code.full ? full : sentences[found ?? -1];
  const text = (error as Error).message;
  if (sentence === undefined && text.startsWith(path)) return error as Error;
  return new Error(
    sentence === undefined
      ? `${path}: ${text}`
      : `${path} is ${sentence} (${text})`,
    { cause: error },
  );
}
