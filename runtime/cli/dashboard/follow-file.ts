/** The last lines of a log, and those that come. */
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { delay } from "../../shared/timers.ts";
import { eachLine } from "../lines.ts";

const firstLines = 200;
const firstBytes = 256 * 1024;
const pieceBytes = 64 * 1024;
const pollMs = 250;
const maxLineChars = 16 * 1024;

/** Calls `emit` with each line without its end; very long ones are cut. Ends with the signal; rejects if the file can't be read. */
export async function followFile(
  path: string,
  emit: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const cut = (line: string) =>
    emit(
      line.length > maxLineChars ? `${line.slice(0, maxLineChars)} …` : line,
    );
  // A pipe in its place would hold up this process.
  const file = await open(
    path,
    constants.O_RDONLY | (constants.O_NONBLOCK ?? 0),
  );
  const rest = new PassThrough();
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    let at = await readTail(file, cut);
    eachLine(rest, cut);
    while (!signal.aborted) {
      const { size } = await file.stat();
      if (size < at) at = 0; // it was emptied
      at = await readOn(file, at, size, rest);
      await delay(pollMs, undefined, { signal }).catch(() => {}); // the loop sees that it was aborted
    }
  } finally {
    rest.destroy();
    await file.close();
  }
}

/** Emits the last whole lines. Returns where the next one begins. */
async function readTail(
  file: FileHandle,
  emit: (line: string) => void,
): Promise<number> {
  const { size } = await file.stat();
  const from = Math.max(0, size - firstBytes);
  const bytes = Buffer.alloc(size - from);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
  const end = bytes.subarray(0, bytesRead).lastIndexOf("\n") + 1;
  const lines = bytes.toString("utf8", 0, end).split("\n").slice(0, -1);
  // The first one may have begun before.
  const whole = from > 0 ? lines.slice(1) : lines;
  for (const line of whole.slice(-firstLines)) emit(line);
  return from + end;
}

async function readOn(
  file: FileHandle,
  from: number,
  to: number,
  into: PassThrough,
): Promise<number> {
  let at = from;
  while (at < to) {
    const bytes = Buffer.alloc(Math.min(pieceBytes, to - at));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
    if (bytesRead === 0) break;
    into.write(bytes.subarray(0, bytesRead));
    at += bytesRead;
  }
  return at;
}
