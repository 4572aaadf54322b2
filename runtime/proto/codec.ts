/** Messages as bytes, and back. */
import { isUtf8 } from "node:buffer";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

/** What `gen/` has for each message. */
export interface Codec<M> {
  encode(message: M, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader): M;
}

/** A writer's memory grows by doubling: one that is kept has grown already. A rare large message does not keep its own. */
const keptBytes = 64 * 1024;
let kept = new BinaryWriter();

/** What `write` writes. */
export function written(write: (to: BinaryWriter) => BinaryWriter): Buffer {
  const writer = kept;
  // In case that it throws: what it wrote would come first next time.
  kept = new BinaryWriter();
  const { buffer, byteOffset, byteLength } = write(writer).finish();
  if (byteLength <= keptBytes) kept = writer;
  return Buffer.from(buffer, byteOffset, byteLength);
}

export const encodeMessage = <M>(codec: Codec<M>, message: M): Buffer =>
  written((writer) => codec.encode(message, writer));

/**
 * Bytes of the message are views of `bytes`. Throws when `bytes` is anything but one whole message, or a text of it is
 * no UTF-8, or it takes more than `maxReads` steps to read it.
 */
export function decodeMessage<M>(
  codec: Codec<M>,
  bytes: Uint8Array,
  maxReads = Infinity,
): M {
  const reader = new BinaryReader(bytes, decodeText);
  if (bytes.length > maxReads) limitReads(reader, maxReads);
  const message = codec.decode(reader);
  // The generated code ends quietly at a field without a number.
  if (reader.pos !== reader.len)
    throw new Error("a field of the message has no number");
  return message;
}

/** Tags and lengths are read as numbers of this kind. */
function limitReads(reader: BinaryReader, most: number) {
  const read = reader.uint32;
  let left = most;
  reader.uint32 = function () {
    if (left-- === 0) throw new Error("it has too many fields");
    return read.call(this);
  };
}

/** Replacing what is no UTF-8 would make different keys the same. */
function decodeText(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new Error("a text is not UTF-8");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    "utf8",
  );
}
