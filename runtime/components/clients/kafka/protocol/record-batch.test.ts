import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createGzip, createZstdCompress } from "node:zlib";
import {
  encodeBatch,
  openBatch,
  recordSize,
  splitBatches,
  type OutgoingRecord,
} from "./record-batch.ts";

const load = createRequire(__filename);
const sequence = { producerId: 4711n, epoch: 3, first: 17 };
const records: OutgoingRecord[] = [
  {
    key: Buffer.from("schlüssel"),
    value: Buffer.from('{"orderId":1}'),
    headers: [
      ["colour", Buffer.from("blue")],
      ["", Buffer.alloc(0)],
      ["colour", Buffer.from("grün")],
    ],
    timestamp: 1_700_000_000_000,
  },
  {
    key: undefined,
    value: undefined,
    headers: [],
    timestamp: 1_700_000_000_300,
  },
  {
    key: Buffer.alloc(0),
    value: Buffer.alloc(70_000, "x"),
    headers: [],
    timestamp: 1_699_999_999_999,
  },
];

test.each(["none", "gzip", "zstd"] as const)(
  "what is written with compression %s is read back",
  async (compression) => {
    const bytes = await encodeBatch(records, sequence, compression);
    const [batch, ...more] = [...splitBatches(bytes)];
    expect(more).toEqual([]);
    expect(batch).toMatchObject({
      baseOffset: 0,
      lastOffset: 2,
      control: false,
    });
    expect([...(await openBatch(batch!))]).toEqual(
      records.map((record, offset) => ({ ...record, offset })),
    );
  },
);

/** 257 MiB of zeros, as a broker takes them: it looks at the packed size only. */
async function bomb(compression: "gzip" | "zstd" | "lz4"): Promise<Buffer> {
  if (compression === "lz4") {
    // Blocks of one zero, repeated up to 4 MiB less 6, and 5 more at the end.
    const repeat = 4 * 1024 * 1024 - 6;
    const more = repeat - 4 - 15;
    const block = Buffer.concat([
      Buffer.from([0x1f, 0, 1, 0]),
      Buffer.alloc(Math.floor(more / 255), 255),
      Buffer.from([more % 255, 0x50, 0, 0, 0, 0, 0]),
    ]);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    return Buffer.concat([
      Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0]),
      ...Array(65).fill(Buffer.concat([size, block])),
      Buffer.alloc(4),
    ]);
  }
  const packing = compression === "gzip" ? createGzip() : createZstdCompress();
  const zeros = Buffer.alloc(1024 * 1024);
  return buffer(Readable.from(Array(257).fill(zeros)).pipe(packing));
}

test.each(["gzip", "lz4", "zstd"] as const)(
  "a %s batch that would fill the memory is refused",
  async (compression) => {
    const empty = await encodeBatch(records.slice(1, 2), sequence, "none");
    const packed = await bomb(compression);
    expect(packed.length).toBeLessThan(2 * 1024 * 1024);
    const bytes = Buffer.concat([empty.subarray(0, 61), packed]);
    bytes.writeInt32BE(bytes.length - 12, 8);
    bytes.writeInt16BE({ gzip: 1, lz4: 3, zstd: 4 }[compression], 21);
    const [batch] = [...splitBatches(bytes)];
    await expect(openBatch(batch!)).rejects.toThrow(
      `its ${compression} data can't be unpacked: it is more than 256 MiB`,
    );
  },
);

test("kafkajs reads the same", async () => {
  const Decoder = load("kafkajs/src/protocol/decoder.js");
  const decode = load("kafkajs/src/protocol/recordBatch/v0/decoder.js");
  const bytes = await encodeBatch(records, sequence, "none");
  const read = await decode(new Decoder(bytes));
  expect(read).toMatchObject({
    producerId: "4711",
    producerEpoch: 3,
    firstSequence: 17,
    lastOffsetDelta: 2,
    maxTimestamp: "1700000000300",
  });
  expect(
    read.records.map((record: Record<string, unknown>) => [
      record["offset"],
      record["timestamp"],
      record["key"],
      record["value"],
    ]),
  ).toEqual(
    records.map((record, index) => [
      String(index),
      String(record.timestamp),
      record.key ?? null,
      record.value ?? null,
    ]),
  );
});

test("an answer that ends within a batch gives the whole ones", async () => {
  const one = await encodeBatch(records, sequence, "none");
  const cut = Buffer.concat([one, one.subarray(0, one.length - 1)]);
  expect([...splitBatches(cut)]).toHaveLength(1);
  expect([...splitBatches(one.subarray(0, 20))]).toHaveLength(0);
});

test.each([
  [3, "its lz4 data can't be unpacked: broken LZ4 data"],
  [5, "compression 5 is not known; let the producer use one of none, gzip"],
])(
  "data of compression %d that can't be read is named, with what is wrong",
  async (code, message) => {
    const bytes = await encodeBatch(records, sequence, "none");
    bytes.writeInt16BE(code, 21);
    const [batch] = [...splitBatches(bytes)];
    await expect(openBatch(batch!)).rejects.toThrow(message);
  },
);

test("recordSize never tells less than a record takes", async () => {
  for (const record of records) {
    const bytes = await encodeBatch([record], sequence, "none");
    expect(bytes.length - 61).toBeLessThanOrEqual(recordSize(record));
  }
});
