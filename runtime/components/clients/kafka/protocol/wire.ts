/**
 * Kafka's primitive types as they are read from an answer. From some version
 * on each request is "flexible": lengths are varints, and every structure ends
 * with tagged fields, which are skipped here
 * (https://kafka.apache.org/protocol#protocol_types).
 */
export interface WireReader {
  int8(): number;
  int16(): number;
  int32(): number;
  int64(): number;
  /** 16 bytes as hexadecimal digits. */
  uuid(): string;
  /** Null reads as "". */
  text(): string;
  /** Null reads as no bytes. The memory is the answer's. */
  bytes(): Buffer;
  /** A null array reads as empty. */
  array<T>(element: () => T): T[];
  skip(count: number): void;
  /** The end of a structure; nothing in old versions. */
  tags(): void;
}

export function wireReader(bytes: Buffer, isFlexible: boolean): WireReader {
  let at = 0;
  const uvarint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * shift;
      if (byte < 128) return value;
    }
  };
  const int16 = () => bytes.readInt16BE((at += 2) - 2);
  const int32 = () => bytes.readInt32BE((at += 4) - 4);
  const take = (length: number) => {
    if (length <= 0) return bytes.subarray(at, at);
    if (at + length > bytes.length)
      throw new Error("the broker's answer ends too soon");
    return bytes.subarray(at, (at += length));
  };
  return {
    int8: () => bytes.readInt8(at++),
    int16,
    int32,
    int64: () => Number(bytes.readBigInt64BE((at += 8) - 8)),
    uuid: () => take(16).toString("hex"),
    text: () => take(isFlexible ? uvarint() - 1 : int16()).toString("utf8"),
    bytes: () => take(isFlexible ? uvarint() - 1 : int32()),
    array(element) {
      const found = [];
      const count = isFlexible ? uvarint() - 1 : int32();
      for (let i = 0; i < count; i++) found.push(element());
      return found;
    },
    skip: (count) => void take(count),
    tags() {
      if (!isFlexible) return;
      for (let count = uvarint(); count > 0; count--) {
        uvarint();
        take(uvarint());
      }
    },
  };
}

/** A length as flexible requests write it: one more, so that 0 is null. */
export function compactLength(length: number): Buffer {
  const bytes = [];
  let rest = length + 1;
  for (; rest >= 128; rest = Math.floor(rest / 128))
    bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

export const int16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};

export const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
