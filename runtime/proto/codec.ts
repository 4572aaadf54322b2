/** Messages as bytes, and back. */
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

/** Bytes of the message are views of `bytes`. Throws when `bytes` is anything but one whole message. */
export function decodeMessage<M>(codec: Codec<M>, bytes: Uint8Array): M {
  const reader = new BinaryReader(bytes);
  const message = codec.decode(reader);
  // The generated code ends quietly at a field without a number.
  if (reader.pos !== reader.len)
    throw new Error("a field of the message has no number");
  return message;
}
