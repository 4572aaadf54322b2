/** Messages on a stream: a flag, four bytes of length, the message (PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). */
import type { Http2Stream } from "node:http2";
import { GatheredBytes } from "../../shared/memory/gathered-bytes.ts";
import { GrpcError, grpcCode } from "./status.ts";

/** One message, in one piece or in pieces that follow each other. */
export type MessageBytes = Uint8Array | readonly Uint8Array[];

const headBytes = 5;
/** Up to here a copy costs less than a second piece. */
const joinedBytes = 4096;

/** With its head, ready to be written one after the other. Throws a {@link GrpcError} when the message is larger than `maxBytes`; 0 is no limit. */
export function frameMessage(
  message: MessageBytes,
  maxBytes: number,
): readonly Uint8Array[] {
  const parts = message instanceof Uint8Array ? [message] : message;
  let size = 0;
  for (const part of parts) size += part.length;
  if (size > (maxBytes > 0 ? maxBytes : 0xffff_ffff))
    throw new GrpcError(
      grpcCode.resourceExhausted,
      `the message to be sent is larger than allowed (${size} of ${maxBytes} bytes)`,
    );
  const isJoined = size <= joinedBytes;
  const head = Buffer.allocUnsafe(isJoined ? headBytes + size : headBytes);
  head[0] = 0;
  head.writeUInt32BE(size, 1);
  if (!isJoined) return [head, ...parts];
  let at = headBytes;
  for (const part of parts) {
    head.set(part, at);
    at += part.length;
  }
  return [head];
}

/** Of the message alone. */
export function bytesOf(frames: readonly Uint8Array[]): number {
  let size = -headBytes;
  for (const { length } of frames) size += length;
  return size;
}

/** The message that was framed is compressed. */
export function markCompressed(
  frames: readonly Uint8Array[],
): readonly Uint8Array[] {
  frames[0]![0] = 1;
  return frames;
}

/** `done` is called once all is written, or never will be. */
export function writeFrames(
  stream: Pick<Http2Stream, "write" | "cork" | "uncork">,
  frames: readonly Uint8Array[],
  done?: () => void,
): boolean {
  if (frames.length === 1) return stream.write(frames[0], done);
  stream.cork();
  let hasRoom = true;
  for (const [at, part] of frames.entries())
    hasRoom = stream.write(part, at === frames.length - 1 ? done : undefined);
  stream.uncork();
  return hasRoom;
}

/** The last of the stream. With one piece, as nearly always, its end goes out in the same frame. */
export function endFrames(
  stream: Pick<Http2Stream, "end" | "write" | "cork" | "uncork">,
  frames: readonly Uint8Array[],
): void {
  if (frames.length > 1) writeFrames(stream, frames.slice(0, -1));
  stream.end(frames.at(-1));
}

/**
 * Takes a stream's bytes as they come. A message that is all in one chunk is a
 * view of it; others are put together once. Memory grows with what came, never
 * with what a length promises.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #onMessage: (message: Buffer, isCompressed: boolean) => void;
  readonly #takesCompressed: boolean;
  #gathered: GatheredBytes | undefined;
  /** Of what is gathered. */
  #held = 0;
  /** Of the message with its head; undefined until that is known. */
  #wanted: number | undefined;

  constructor(
    maxBytes: number,
    onMessage: (message: Buffer, isCompressed: boolean) => void,
    takesCompressed = false,
  ) {
    this.#maxBytes = maxBytes > 0 ? maxBytes : Infinity;
    this.#onMessage = onMessage;
    this.#takesCompressed = takesCompressed;
  }

  /** The stream may not end here. */
  get isWithinMessage(): boolean {
    return this.#held > 0;
  }

  /** Throws a {@link GrpcError} for what is no message, compressed, or too large; it takes no more then. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#held > 0) {
      this.#gathered!.add(chunk);
      this.#held += chunk.length;
      if (this.#held < (this.#wanted ?? headBytes)) return;
      chunk = Buffer.concat(this.#gathered!.take(), this.#held);
      this.#gathered = undefined;
      this.#held = 0;
      this.#wanted = undefined;
    }
    let at = 0;
    while (chunk.length - at >= headBytes) {
      const size = headBytes + this.#sizeOf(chunk, at);
      if (chunk.length - at < size) {
        this.#wanted = size;
        break;
      }
      const isCompressed = chunk[at] === 1;
      this.#onMessage(chunk.subarray(at + headBytes, at + size), isCompressed);
      at += size;
    }
    if (at === chunk.length) return;
    this.#gathered = new GatheredBytes();
    this.#gathered.add(at === 0 ? chunk : chunk.subarray(at));
    this.#held = chunk.length - at;
  }

  #sizeOf(chunk: Buffer, at: number): number {
    const flag = chunk[at]!;
    if (flag === 1 && !this.#takesCompressed)
      throw new GrpcError(
        grpcCode.internal,
        "a message is compressed, and no compression was agreed on",
      );
    if (flag > 1)
      throw new GrpcError(
        grpcCode.internal,
        `a message begins with ${flag}, which is no flag of gRPC`,
      );
    const size = chunk.readUInt32BE(at + 1);
    if (size > this.#maxBytes)
      throw new GrpcError(
        grpcCode.resourceExhausted,
        `a message is larger than allowed (${size} of ${this.#maxBytes} bytes)`,
      );
    return size;
  }
}

/** `application/grpc`, alone or with a suffix or parameters. */
export const isGrpc = (type: string): boolean =>
  /^application\/grpc(?:[+;]|$)/i.test(type);
