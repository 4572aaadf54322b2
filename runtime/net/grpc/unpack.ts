/** Messages compressed with gzip. Of what a length promises, no more is made. */
import { createGunzip, gunzip, gunzipSync, gzip } from "node:zlib";
import { messageOf } from "../../shared/message-of.ts";
import { GrpcError, grpcCode } from "./status.ts";

/** Up to here another thread costs more than the work. */
const syncBytes = 16 * 1024;
/** What zlib takes for `chunkSize`. */
const leastChunk = 64;
/** How a gzip file begins: its two marks, and its only method (RFC 1952 §2.3.1). */
const gzipStart = Buffer.from([0x1f, 0x8b, 8]);
/** A gzip file's last field. */
const sizeField = 4;

/**
 * How many bytes a packed message says it has: those of its last member, and nearly always that is the only one. Throws a
 * {@link GrpcError} when that is more than `maxBytes`, where 0 is no limit, and when it is no gzip.
 */
export function sizeOfPacked(packed: Buffer, maxBytes: number): number {
  // Of other bytes the last four are no size that could be told.
  if (packed.length < 18 || !packed.subarray(0, 3).equals(gzipStart))
    throw broken();
  const size = packed.readUInt32LE(packed.length - sizeField);
  if (maxBytes > 0 && size > maxBytes) throw tooLarge(`${size}`, maxBytes);
  return size;
}

/** Of all its members (RFC 1952 §2.2), which have to be unpacked for it; nothing of that is kept. Rejects with a {@link GrpcError} as soon as it is more than `maxBytes`, where 0 is no limit, and when it is no gzip to its end. */
export async function countPacked(
  packed: Buffer,
  maxBytes: number,
): Promise<number> {
  const unpacking = createGunzip();
  unpacking.end(packed);
  let size = 0;
  try {
    for await (const chunk of unpacking) {
      size += (chunk as Buffer).length;
      if (maxBytes > 0 && size > maxBytes)
        throw tooLarge(`more than ${maxBytes}`, maxBytes);
    }
  } catch (error) {
    throw error instanceof GrpcError ? error : broken(error);
  }
  // Node ends at what is no further member.
  if (unpacking.bytesWritten < packed.length) throw broken();
  return size;
}

/** Undefined when it has more than `size` bytes. Rejects with a {@link GrpcError} when it has fewer, or is no gzip. */
export async function unpack(
  packed: Buffer,
  size: number,
): Promise<Buffer | undefined> {
  const options = {
    maxOutputLength: Math.max(size, 1),
    // In one go: each further piece would be another way to the thread and back.
    chunkSize: Math.max(size, leastChunk),
  };
  try {
    const message = await gunzipWith(packed, size, options);
    if (message.length === size) return message;
    if (message.length > size) return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      return undefined;
    throw broken(error);
  }
  throw broken();
}

const gunzipWith = (
  packed: Buffer,
  size: number,
  options: { maxOutputLength: number; chunkSize: number },
): Buffer | Promise<Buffer> =>
  size <= syncBytes && packed.length <= syncBytes
    ? gunzipSync(packed, options)
    : new Promise((resolve, reject) =>
        gunzip(packed, options, (error, message) =>
          error ? reject(error) : resolve(message),
        ),
      );

export const pack = (message: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    gzip(
      message,
      { chunkSize: Math.max(message.length, leastChunk) },
      (error, packed) => (error ? reject(error) : resolve(packed)),
    ),
  );

const tooLarge = (size: string, maxBytes: number) =>
  new GrpcError(
    grpcCode.resourceExhausted,
    `a message is larger than allowed, once unpacked (${size} of ${maxBytes} bytes)`,
  );

const broken = (cause?: unknown) =>
  new GrpcError(
    grpcCode.internal,
    `a compressed message can't be unpacked: it is no gzip, or not of the size that it says${cause === undefined ? "" : ` (${messageOf(cause)})`}`,
    { cause },
  );
