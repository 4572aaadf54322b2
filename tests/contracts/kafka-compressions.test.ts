/** Snappy and LZ4 against other encoders and decoders. */
import * as lz4js from "lz4js";
import snappyjs from "snappyjs";
import { unpackLz4 } from "../../runtime/components/clients/kafka/protocol/lz4.ts";
import { unpackSnappy } from "../../runtime/components/clients/kafka/protocol/snappy.ts";

/** Numbers in [0, 1), the same in each run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Text with repeats near and far, runs of one byte, and noise. */
function sample(random: () => number, most = 40): Buffer {
  const parts: Buffer[] = [];
  for (let pieces = Math.floor(random() * most); pieces > 0; pieces--) {
    const size = Math.floor(random() ** 4 * 5000);
    const kind = random();
    if (kind < 0.3) parts.push(Buffer.alloc(size, Math.floor(random() * 256)));
    else if (kind < 0.6 && parts.length > 0)
      parts.push(parts[Math.floor(random() * parts.length)]!);
    else if (kind < 0.8)
      parts.push(Buffer.from('{"orderId":'.repeat(size / 11)));
    else
      parts.push(
        Buffer.from(Array.from({ length: size }, () => random() * 256)),
      );
  }
  return Buffer.concat(parts);
}

const snappy = (data: Buffer) => Buffer.from(snappyjs.compress(data));
const lz4 = (data: Buffer) => Buffer.from(lz4js.compress(data));
/** The framing of snappy-java: a magic number, two versions, blocks with their sizes. */
function framed(data: Buffer): Buffer {
  const parts = [Buffer.from("82534e41505059000000000100000001", "hex")];
  for (let at = 0; at < data.length; at += 32_768) {
    const block = snappy(data.subarray(at, at + 32_768));
    const size = Buffer.alloc(4);
    size.writeInt32BE(block.length);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}

const codecs: [
  name: string,
  pack: (data: Buffer) => Buffer,
  unpack: (data: Buffer) => Buffer,
  reference: ((data: Buffer) => Buffer) | undefined,
][] = [
  [
    "snappy",
    snappy,
    unpackSnappy,
    (data) => Buffer.from(snappyjs.uncompress(data)),
  ],
  ["snappy in frames", framed, unpackSnappy, undefined],
  ["lz4", lz4, unpackLz4, (data) => Buffer.from(lz4js.decompress(data))],
];

test.each(codecs)(
  "%s: 200 samples come back as they were",
  (_, pack, unpack) => {
    const random = randomFrom(1);
    for (let round = 0; round < 200; round++) {
      const data = sample(random);
      expect(unpack(pack(data)).equals(data)).toBe(true);
    }
  },
);

test.each(codecs)(
  "%s: 20,000 broken inputs give an error or bytes, and snappy reads them as the reference does",
  (name, pack, unpack, reference) => {
    const random = randomFrom(2);
    const whole = Array.from({ length: 50 }, () =>
      pack(sample(random, 4).subarray(0, 300)),
    );
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(whole[round % whole.length]!);
      for (let flips = 1 + random() * 3; flips > 0; flips--)
        bytes[Math.floor(random() * bytes.length)] = random() * 256;
      const cut =
        random() < 0.3 ? bytes.subarray(0, random() * bytes.length) : bytes;
      let ours: Buffer | undefined;
      try {
        ours = unpack(cut);
      } catch (error) {
        if (!/Snappy|LZ4/.test((error as Error).message)) throw error;
        refused++;
      }
      // Only plain snappy is compared: the LZ4 reference checks a sum that Kafka may leave out.
      if (
        ours &&
        reference &&
        name === "snappy" &&
        !reference(cut).equals(ours)
      )
        throw new Error(`differs from the reference: ${cut.toString("hex")}`);
    }
    expect(refused).toBeGreaterThan(1000);
  },
);
