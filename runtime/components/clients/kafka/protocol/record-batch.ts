/**
 * Kafka's record batch, version 2, both ways
 * (https://kafka.apache.org/documentation/#recordbatch). Written here because
 * kafkajs spends most of a sidecar's time and garbage in this place: it copies
 * a record several times and counts offsets in strings.
 */
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { crc32c } from "./crc32c.ts";

export interface KafkaRecord {
  key: Buffer | undefined;
  value: Buffer | undefined;
  headers: [name: string, value: Buffer][];
  timestamp: number;
  offset: number;
}

export type OutgoingRecord = Omit<KafkaRecord, "offset">;

/** Who sends, so that the broker can tell a repeated batch from a new one. */
export interface Sequence {
  producerId: bigint;
  epoch: number;
  first: number;
}

export const compressions = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
export type Compression = (typeof compressions)[number];

type Compressed = Exclude<Compression, "none">;

const pack: Partial<Record<Compressed, (data: Buffer) => Promise<Buffer>>> = {
  gzip: promisify(zlib.gzip),
  zstd: promisify(zlib.zstdCompress),
};

const gunzip = promisify(zlib.gunzip);
const zstdDecompress = promisify(zlib.zstdDecompress);

/** A broker limits only the packed size: 1 MB of Zstandard may hold 20 GB, more than a sidecar's memory. */
const mostUnpacked = 256 * 1024 * 1024;
const limit = { maxOutputLength: mostUnpacked };

/** All compressions that another producer may choose; each is loaded when it occurs. */
const unpack: Record<Compressed, (data: Buffer) => Promise<Buffer>> = {
  gzip: (data) => gunzip(data, limit),
  zstd: (data) => zstdDecompress(data, limit),
  // No limit is needed: a byte becomes 22 at most.
  snappy: async (data) => (await import("./snappy.ts")).unpackSnappy(data),
  lz4: async (data) => (await import("./lz4.ts")).unpackLz4(data, mostUnpacked),
};

const reasonOf = (error: NodeJS.ErrnoException) =>
  error.code === "ERR_BUFFER_TOO_LARGE"
    ? `it is more than ${mostUnpacked / 1024 / 1024} MiB`
    : error.message;

/** Compressions this client can write; it reads all. */
export const supportedCompressions = ["none", ...Object.keys(pack)];

const headerSize = 61;
const crcStart = 21;

/** An upper bound of the bytes that a record takes in a batch. */
export function recordSize(record: OutgoingRecord): number {
  let size = 36 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const [name, value] of record.headers)
    size += 10 + Buffer.byteLength(name) + value.length;
  return size;
}

export async function encodeBatch(
  records: OutgoingRecord[],
  sequence: Sequence,
  compression: Compression,
): Promise<Buffer> {
  const first = records[0]!.timestamp;
  let most = first;
  let room = headerSize;
  for (const record of records) {
    room += recordSize(record);
    if (record.timestamp > most) most = record.timestamp;
  }
  let batch = Buffer.allocUnsafe(room);
  let end = headerSize;
  records.forEach((record, index) => {
    end = writeRecord(batch, end, record, record.timestamp - first, index);
  });
  if (compression !== "none") {
    const packed = await pack[compression]!(batch.subarray(headerSize, end));
    batch = Buffer.concat([batch.subarray(0, headerSize), packed]);
    end = batch.length;
  }
  batch = batch.subarray(0, end);
  batch.writeBigInt64BE(0n, 0); // base offset: the broker's choice
  batch.writeInt32BE(end - 12, 8);
  batch.writeInt32BE(-1, 12); // leader epoch
  batch[16] = 2; // magic
  batch.writeInt16BE(compressions.indexOf(compression), crcStart);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(first), 27);
  batch.writeBigInt64BE(BigInt(most), 35);
  batch.writeBigInt64BE(sequence.producerId, 43);
  batch.writeInt16BE(sequence.epoch, 51);
  batch.writeInt32BE(sequence.first, 53);
  batch.writeInt32BE(records.length, 57);
  batch.writeUInt32BE(crc32c(batch, crcStart, end), 17);
  return batch;
}

function writeRecord(
  to: Buffer,
  start: number,
  { key, value, headers }: OutgoingRecord,
  timestampDelta: number,
  offsetDelta: number,
): number {
  let size = 1 + varintSize(timestampDelta) + varintSize(offsetDelta);
  size += bytesSize(key?.length) + bytesSize(value?.length);
  size += varintSize(headers.length);
  for (const [name, content] of headers)
    size += bytesSize(Buffer.byteLength(name)) + bytesSize(content.length);

  let at = writeVarint(to, start, size);
  to[at++] = 0; // attributes, unused
  at = writeVarint(to, at, timestampDelta);
  at = writeVarint(to, at, offsetDelta);
  at = writeBytes(to, at, key);
  at = writeBytes(to, at, value);
  at = writeVarint(to, at, headers.length);
  for (const [name, content] of headers) {
    at = writeVarint(to, at, Buffer.byteLength(name));
    at += to.write(name, at);
    at = writeBytes(to, at, content);
  }
  return at;
}

/** Zigzag: small numbers of either sign become small unsigned numbers. */
const zigzag = (value: number) => (value >= 0 ? value * 2 : -value * 2 - 1);

function varintSize(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest >= 128; rest = Math.floor(rest / 128))
    size++;
  return size;
}

const bytesSize = (length: number | undefined) =>
  length === undefined ? 1 : varintSize(length) + length;

function writeVarint(to: Buffer, at: number, value: number): number {
  let rest = zigzag(value);
  while (rest >= 128) {
    to[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  to[at++] = rest;
  return at;
}

function writeBytes(to: Buffer, at: number, bytes: Buffer | undefined): number {
  if (bytes === undefined) return writeVarint(to, at, -1);
  at = writeVarint(to, at, bytes.length);
  bytes.copy(to, at);
  return at + bytes.length;
}

/** A batch as found in a fetch answer; its records are read one by one when their turn comes. */
export interface FetchedBatch {
  baseOffset: number;
  lastOffset: number;
  /** Kafka's own records about transactions, no data. */
  control: boolean;
  bytes: Buffer;
}

/** Finds the complete batches; an answer may end in the middle of a batch. */
export function* splitBatches(bytes: Buffer): Generator<FetchedBatch> {
  let at = 0;
  while (at + headerSize <= bytes.length) {
    const end = at + 12 + bytes.readInt32BE(at + 8);
    if (end > bytes.length) return;
    const magic = bytes[at + 16];
    if (magic !== 2)
      throw new Error(
        `messages in Kafka's old format ${magic} are not supported; rewrite the topic with message format 0.11 or newer`,
      );
    const baseOffset = Number(bytes.readBigInt64BE(at));
    yield {
      baseOffset,
      lastOffset: baseOffset + bytes.readInt32BE(at + 23),
      control: (bytes.readInt16BE(at + crcStart) & 0x20) !== 0,
      bytes: bytes.subarray(at, end),
    };
    at = end;
  }
}

/** The unpacked content of a batch. If it can't be unpacked, the error says what to do. */
export async function openBatch(
  batch: FetchedBatch,
): Promise<Iterable<KafkaRecord>> {
  const code = batch.bytes.readInt16BE(crcStart) & 7;
  const name = compressions[code];
  if (name === undefined)
    throw new Error(
      `compression ${code} is not known; let the producer use one of ${compressions.join(", ")}`,
    );
  let content = batch.bytes.subarray(headerSize);
  if (name !== "none")
    try {
      content = await unpack[name](content);
    } catch (cause) {
      throw new Error(
        `its ${name} data can't be unpacked: ${reasonOf(cause as Error)}`,
        { cause },
      );
    }
  return readRecords(batch, content);
}

function* readRecords(
  batch: FetchedBatch,
  content: Buffer,
): Generator<KafkaRecord> {
  const count = batch.bytes.readInt32BE(57);
  const appendTime = (batch.bytes.readInt16BE(crcStart) & 8) !== 0;
  const first = Number(batch.bytes.readBigInt64BE(27));
  const most = Number(batch.bytes.readBigInt64BE(35));
  let at = 0;
  const varint = () => {
    let value = 0;
    let factor = 1;
    let byte;
    do {
      byte = content[at++]!;
      value += (byte & 0x7f) * factor;
      factor *= 128;
    } while (byte >= 128);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const bytes = () => {
    const length = varint();
    return length < 0 ? undefined : content.subarray(at, (at += length));
  };
  for (let i = 0; i < count; i++) {
    const end = varint() + at;
    at++; // attributes, unused
    const timestamp = first + varint();
    const offset = batch.baseOffset + varint();
    const key = bytes();
    const value = bytes();
    const headers: [string, Buffer][] = [];
    for (let n = varint(); n > 0; n--)
      headers.push([bytes()?.toString() ?? "", bytes() ?? Buffer.alloc(0)]);
    at = end;
    yield {
      key,
      value,
      headers,
      timestamp: appendTime ? most : timestamp,
      offset,
    };
  }
}
