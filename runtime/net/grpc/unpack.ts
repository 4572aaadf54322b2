/** Messages compressed with gzip. Of what a length promises, no more is made; and all that was made and is still in use has a limit. */
import { gunzip, gunzipSync, gzip } from "node:zlib";
import { GrpcError, grpcCode } from "./status.ts";

/** Of all calls together. What came packed in few bytes must not fill the memory. */
const heldBytes = 64 * 1024 * 1024;
/** Up to here another thread costs more than the work. */
const syncBytes = 16 * 1024;
/** What zlib takes for `chunkSize`. */
const leastChunk = 64;
/** How a gzip file begins: its two marks, and its only method (RFC 1952 §2.3.1). */
const gzipStart = Buffer.from([0x1f, 0x8b, 8]);
/** A gzip file's last field. */
const sizeField = 4;

let held = 0;
const waiting: (() => void)[] = [];

/** How many bytes a packed message says it has. Throws a {@link GrpcError} when that is more than `maxBytes`, where 0 is no limit, and when it is no gzip. */
export function sizeOfPacked(packed: Buffer, maxBytes: number): number {
  // Of other bytes the last four are no size that could be told.
  if (packed.length < 18 || !packed.subarray(0, 3).equals(gzipStart))
    throw broken();
  const size = packed.readUInt32LE(packed.length - sizeField);
  if (maxBytes > 0 && size > maxBytes)
    throw new GrpcError(
      grpcCode.resourceExhausted,
      `a message is larger than allowed, once unpacked (${size} of ${maxBytes} bytes)`,
    );
  return size;
}

/** Waits until there is room for so much. {@link giveBack} has to be called with the same number. */
export async function takeRoom(bytes: number): Promise<void> {
  while (held > 0 && held + bytes > heldBytes)
    await new Promise<void>((resolve) => waiting.push(resolve));
  held += bytes;
}

export function giveBack(bytes: number): void {
  held -= bytes;
  for (const go of waiting.splice(0)) go();
}

/** Rejects with a {@link GrpcError} when it is no gzip, or not of the size that it says. */
export async function unpack(packed: Buffer, size: number): Promise<Buffer> {
  const options = {
    maxOutputLength: Math.max(size, 1),
    // In one go: each further piece would be another way to the thread and back.
    chunkSize: Math.max(size, leastChunk),
  };
  try {
    if (size <= syncBytes && packed.length <= syncBytes)
      return gunzipSync(packed, options);
    return await new Promise<Buffer>((resolve, reject) =>
      gunzip(packed, options, (error, message) =>
        error ? reject(error) : resolve(message),
      ),
    );
  } catch (error) {
    throw broken(error);
  }
}

export const pack = (message: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    gzip(
      message,
      { chunkSize: Math.max(message.length, leastChunk) },
      (error, packed) => (error ? reject(error) : resolve(packed)),
    ),
  );

const broken = (cause?: unknown) =>
  new GrpcError(
    grpcCode.internal,
    "a compressed message can't be unpacked: it is no gzip, or not of the size that it says",
    { cause },
  );
