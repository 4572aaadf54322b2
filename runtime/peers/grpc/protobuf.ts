/**
 * The part of protobuf's encoding that the few messages between sidecars need:
 * varints and length-delimited fields. A generated codec would come with a
 * library of its own.
 */

/** The pieces of a message, in order; {@link join} puts them together once. */
export type Parts = Uint8Array[];

/** The message is cut short, or its lengths contradict each other. */
export class ProtobufError extends Error {
  override name = "ProtobufError";
}

const isVarint = 0;
const isFixed64 = 1;
const isBytes = 2;
const isFixed32 = 5;

/** Nearly all tags and lengths, made once. */
const oneByte = Array.from({ length: 0x80 }, (_, value) => Buffer.of(value));

function varint(value: number): Buffer {
  if (value <= 0x7f) return oneByte[value]!;
  const bytes: number[] = [];
  while (value > 0x7f) {
    bytes.push((value % 128) | 0x80);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
  return Buffer.from(bytes);
}

/** A number of 0 is left out, as proto3 does. */
export const numberField = (field: number, value: number): Parts =>
  value === 0 ? [] : [varint(field * 8 + isVarint), varint(value)];

/** Empty bytes are left out, as proto3 does. */
export const bytesField = (field: number, value: Uint8Array): Parts =>
  value.length === 0
    ? []
    : [varint(field * 8 + isBytes), varint(value.length), value];

export const textField = (field: number, value: string): Parts =>
  bytesField(field, Buffer.from(value, "utf8"));

/** A message that is present, even if it is empty. */
export function messageField(field: number, parts: Parts): Parts {
  let size = 0;
  for (const part of parts) size += part.length;
  return [varint(field * 8 + isBytes), varint(size), ...parts];
}

export const join = (parts: Parts): Buffer => Buffer.concat(parts);

/** A field as it came: a number for a varint, a view of the message for bytes, neither for types that no message here has. */
export interface Field {
  id: number;
  number: number;
  bytes: Buffer;
}

const noBytes = Buffer.alloc(0);

/** Calls `take` for each field in turn. Throws a {@link ProtobufError}. */
export function readFields(
  message: Buffer,
  take: (field: Field) => void,
): void {
  let at = 0;
  const next = (): number => {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      const byte = message[at++];
      if (byte === undefined) throw new ProtobufError("the message is cut off");
      value += (byte & 0x7f) * factor;
      factor *= 128;
      if (byte < 0x80) return value;
    }
    throw new ProtobufError("a number of the message is too long");
  };
  const skip = (size: number): number => {
    const from = at;
    at += size;
    if (at > message.length) throw new ProtobufError("the message is cut off");
    return from;
  };
  while (at < message.length) {
    const tag = next();
    const id = Math.floor(tag / 8);
    if (id === 0)
      throw new ProtobufError("a field of the message has no number");
    switch (tag % 8) {
      case isVarint:
        take({ id, number: next(), bytes: noBytes });
        break;
      case isBytes: {
        const from = skip(next());
        take({ id, number: 0, bytes: message.subarray(from, at) });
        break;
      }
      case isFixed64:
        skip(8);
        break;
      case isFixed32:
        skip(4);
        break;
      default:
        throw new ProtobufError("a field of the message has an unknown form");
    }
  }
}
