/** Gives memory of streams back as soon as their bytes are sent, without waiting for the garbage collector. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Smaller buffers share their memory with others, or are not worth it. */
const worthwhileBytes = 4096;

/** A copy that can be freed by itself; Node's own copies share one block. */
export function freeableCopy(bytes: Uint8Array): Buffer {
  if (bytes.length < worthwhileBytes) return Buffer.from(bytes);
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/**
 * Frees a chunk of a stream that this process read, that nobody else holds, and
 * that has been written. V8 lets some 64 MB of such chunks pile up before it
 * collects them. The chunk is empty afterwards.
 */
export function free(chunk: Uint8Array): void {
  const { buffer, byteLength } = chunk;
  if (byteLength >= worthwhileBytes && byteLength === buffer.byteLength)
    (buffer as ArrayBuffer).transfer(0);
}

/** Bytes between two collections of the young generation, which take about a millisecond each. */
const collectedBytes = 2 * 1024 * 1024;
let uncollected = 0;
let collect: ((options: { type: "minor" }) => void) | undefined;

/**
 * Counts bytes that pass through a library and can't be freed one by one, as the
 * library keeps their memory. After enough of them the garbage is collected.
 */
export function countSpent(bytes: number): void {
  uncollected += bytes;
  if (uncollected < collectedBytes) return;
  uncollected = 0;
  if (!collect) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as NonNullable<typeof collect>;
  }
  collect({ type: "minor" });
}
