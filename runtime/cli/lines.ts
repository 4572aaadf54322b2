/** Passes a stream on line by line, each with a prefix. */
import { StringDecoder } from "node:string_decoder";
import type { Readable } from "node:stream";

/** A line without an end is passed on after this long (a prompt, a progress dot). */
const idleMs = 1000;
/** … or when it has grown to this size. */
const longest = 64 * 1024;

/** Calls `emit` with each line without its end; the last one may lack it. */
export function eachLine(source: Readable, emit: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    if (rest !== "") emit(rest);
    rest = "";
  };
  source.on("data", (chunk: Buffer) => {
    clearTimeout(timer);
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop()!;
    for (const line of lines)
      emit(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (rest.length > longest) flush();
    else if (rest !== "") timer = setTimeout(flush, idleMs);
  });
  source.on("close", () => {
    clearTimeout(timer);
    rest += decoder.end();
    flush();
  });
}

/** Colour codes have no place in a file. */
export function withoutAnsi(text: string): string {
  // oxlint-disable-next-line no-control-regex -- ESC is what a colour code starts with
  return text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
}
