/** Messages as bytes, and back. */
import { BinaryReader, type BinaryWriter } from "@bufbuild/protobuf/wire";

/** What `gen/` has for each message. */
export interface Codec<M> {
  encode(message: M): BinaryWriter;
  decode(input: BinaryReader): M;
}

export const encodeMessage = <M>(codec: Codec<M>, message: M): Buffer => {
  const { buffer, byteOffset, byteLength } = codec.encode(message).finish();
  return Buffer.from(buffer, byteOffset, byteLength);
};

/** Bytes of the message are views of `bytes`. Throws when `bytes` is anything but one whole message. */
export function decodeMessage<M>(codec: Codec<M>, bytes: Uint8Array): M {
  const reader = new BinaryReader(bytes);
  const message = codec.decode(reader);
  // The generated code ends quietly at a field without a number.
  if (reader.pos !== reader.len)
    throw new Error("a field of the message has no number");
  return message;
}
