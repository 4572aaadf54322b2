/** Reads files that somebody else may have put there: a pipe or a huge file must not hold up or fill this process. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
} from "node:fs";

/** What is at the path is no file that can be read. */
export class NotRegularError extends Error {
  override name = "NotRegularError";
}

/** A file's text (UTF-8). Throws a {@link NotRegularError} if it is no regular file or has more than `maxBytes` bytes, and the system's errors. */
export function readRegular(path: string, maxBytes: number): string {
  let file;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // This is the error for a socket.
    if (code === "ENXIO")
      throw new NotRegularError("it is a socket or a device, not a file");
    const target = code === "ENOENT" ? targetOf(path) : undefined;
    if (target !== undefined)
      throw new NotRegularError(
        `it is a link that leads nowhere: there is no ${target}`,
      );
    throw error;
  }
  try {
    const about = fstatSync(file);
    if (!about.isFile())
      throw new NotRegularError(
        `it is ${about.isDirectory() ? "a folder" : about.isFIFO() ? "a pipe" : "a device"}, not a file`,
      );
    if (about.size > maxBytes)
      throw new NotRegularError(
        `it has ${about.size} bytes, more than the ${maxBytes} that are read`,
      );
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

/** Where a link leads, as it is written; undefined for all else. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // no link, or gone
  }
}

/** Why {@link readRegular} failed, without the path: its own words, or the system's code. */
export function whyUnread(error: unknown): string {
  if (error instanceof NotRegularError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && sentences[code]) ?? code ?? message;
}

const sentences: Record<string, string | undefined> = {
  EACCES: "this user has no right to read it (EACCES)",
  ELOOP: "it is a link that leads back to itself (ELOOP)",
};

/** Certificates, keys, tokens and files of secrets: none is nearly as large. */
export const maxSettingsBytes = 4 * 1024 * 1024;
/** Resources and run files. */
export const maxYamlBytes = 1024 * 1024;
