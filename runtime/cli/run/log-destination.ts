/** Where the lines of an app or a sidecar go in a run of many: the console, a file, or both. */
import { appendFileSync, closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../shared/files/make-folder.ts";
import type { Io, Status } from "../io.ts";
import { withoutAnsi } from "../lines.ts";
import type { Destination } from "./run-file-app.ts";

export interface LogTarget {
  line(text: string): void;
  /** A status line. It has its glyph only if the console is the only destination, as in the original. */
  status(status: Status, message: string): void;
  /** Path of the file; empty if there is only the console. */
  path: string;
  /** The open file, to be given to a process whose lines need no prefix. */
  fd: number | undefined;
  close(): void;
}

export interface LogTargetOptions {
  destination: Destination;
  file: string;
  prefix?: string;
  /** Which colour the prefix has on a terminal; each app of a run has its own. */
  colour?: number;
  /** Glyphs if the console is the only destination. */
  glyphs: boolean;
}

/** The original's first, then colours that can be read on dark and light. */
const colours = [94, 92, 95, 93, 96, 91];

export function openLog(
  io: Io,
  { destination, file, prefix = "", colour = 0, glyphs }: LogTargetOptions,
): LogTarget {
  const fd = destination === "console" ? undefined : openSync(file, "a", 0o600);
  const onConsole = destination !== "file";
  const shown =
    prefix && io.colour
      ? `\x1b[${colours[colour % colours.length]};1m${prefix}\x1b[0m`
      : prefix;
  let open = fd !== undefined;
  const line = (text: string) => {
    if (onConsole) io.out(shown + text);
    if (open) append(withoutAnsi(`${prefix}${text}\n`));
  };
  let writable = true;
  // A full disk must not end the run. It is said once, and the next line is tried again.
  const append = (text: string) => {
    try {
      appendFileSync(fd!, text);
      writable = true;
    } catch (error) {
      if (writable)
        io.status(
          "warning",
          `Could not write to ${file}: ${(error as Error).message}`,
        );
      writable = false;
    }
  };
  return {
    line,
    status(status, message) {
      if (glyphs && !open) io.status(status, message);
      else for (const part of message.split("\n")) line(part);
    },
    path: fd === undefined ? "" : file,
    fd,
    close() {
      if (open) closeSync(fd!);
      open = false;
    },
  };
}

/** The folder for an app's logs; made if missing. */
export function logFolder(appDir: string): string {
  const folder = join(appDir, ".dapr", "logs");
  makeFolder(folder, 0o700);
  return folder;
}

/** `20261121051747`, local time, as in the names of the original's files. */
export function fileStamp(now = new Date()): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return (
    String(now.getFullYear()) +
    [
      now.getMonth() + 1,
      now.getDate(),
      now.getHours(),
      now.getMinutes(),
      now.getSeconds(),
    ]
      .map(two)
      .join("")
  );
}
