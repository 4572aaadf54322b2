/** Reads files that somebody else may have put there: a pipe or a huge file must not hold up or fill this process. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
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
    // This is the error for a socket.
    if ((error as NodeJS.ErrnoException).code === "ENXIO")
      throw new NotRegularError("it is a socket or a device, not a file");
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

/** Why {@link readRegular} failed, without the path: its own words, or the system's code. */
export const whyUnread = (error: unknown): string =>
  error instanceof NotRegularError
    ? error.message
    : ((error as NodeJS.ErrnoException).code ?? (error as Error).message);

/** Certificates, keys, tokens and files of secrets: none is nearly as large. */
export const maxSettingsBytes = 4 * 1024 * 1024;
/** Resources and run files. */
export const maxYamlBytes = 1024 * 1024;
