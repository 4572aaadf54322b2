/**
 * Kafka's Fetch request, version 4 (Kafka 0.11), 11 (2.3) or 13 (3.1). It asks
 * for records only. Version 13 names a topic by its ID, so that a new topic of
 * the same name is not mistaken for the old one.
 */
import type { WireRequest } from "./request.ts";
import { compactLength, wireReader } from "./wire.ts";

export type FetchVersion = 4 | 11 | 13;

export interface FetchPosition {
  topic: string;
  partition: number;
  offset: number;
}

export interface FetchedPartition {
  topic: string;
  partition: number;
  errorCode: number;
  records: Buffer;
}

export interface FetchLimits {
  minBytes: number;
  maxBytes: number;
  partitionMaxBytes: number;
}

const apiKey = 1;

/** The newest version that the broker knows; 13 only if the topics' IDs are known. Throws if it knows none. */
export function fetchVersion(
  versions: Record<number, { minVersion: number; maxVersion: number }>,
  withIds: boolean,
): FetchVersion {
  const { minVersion = 0, maxVersion = 0 } = versions[apiKey] ?? {};
  const known = (withIds ? [13, 11, 4] : [11, 4]) as FetchVersion[];
  const found = known.find((v) => v <= maxVersion && v >= minVersion);
  if (found) return found;
  throw new Error(
    `the broker takes Fetch requests of version ${minVersion} to ${maxVersion}, this client sends 4, 11 or 13`,
  );
}

/** `topicIds` gives the ID of each topic by its name, as hexadecimal digits; read by version 13 only. */
export function fetchRequest(
  version: FetchVersion,
  positions: FetchPosition[],
  limits: FetchLimits,
  maxWaitMs: number,
  topicIds: ReadonlyMap<string, string>,
): WireRequest {
  const isFlexible = version >= 13;
  const topics = Map.groupBy(positions, ({ topic }) => topic);
  let size = 64;
  for (const [topic, partitions] of topics)
    size += 24 + Buffer.byteLength(topic) + partitions.length * 36;
  const body = Buffer.alloc(size);
  let at = 0;
  const int32 = (value: number) => (at = body.writeInt32BE(value, at));
  const int64 = (value: number) =>
    (at = body.writeBigInt64BE(BigInt(value), at));
  const count = (length: number) => {
    if (isFlexible) at += compactLength(length).copy(body, at);
    else int32(length);
  };
  const tags = () => {
    if (isFlexible) body[at++] = 0;
  };
  tags(); // of the request header
  int32(-1); // not a replica
  int32(maxWaitMs);
  int32(limits.minBytes);
  int32(limits.maxBytes);
  body[at++] = 0; // read uncommitted, the original's default
  if (version >= 11) {
    int32(0); // no fetch session
    int32(-1);
  }
  count(topics.size);
  for (const [topic, partitions] of topics) {
    if (isFlexible) at += body.write(topicIds.get(topic)!, at, "hex");
    else {
      at = body.writeInt16BE(Buffer.byteLength(topic), at);
      at += body.write(topic, at);
    }
    count(partitions.length);
    for (const { partition, offset } of partitions) {
      int32(partition);
      if (version >= 11) int32(-1); // leader epoch unknown
      int64(offset);
      if (isFlexible) int32(-1); // epoch of the last record unknown
      if (version >= 11) int64(-1);
      int32(limits.partitionMaxBytes);
      tags();
    }
    tags();
  }
  if (version >= 11) {
    count(0); // nothing to forget
    if (isFlexible) at += compactLength(0).copy(body, at);
    else at = body.writeInt16BE(0, at); // no rack
  }
  tags();
  return {
    apiKey,
    apiVersion: version,
    apiName: "Fetch",
    body: [body.subarray(0, at)],
    timeoutMs: maxWaitMs + 10_000,
  };
}

/** Reads the answer: an error code for all and one for each partition, 0 = none. */
export function readFetchResponse(
  version: FetchVersion,
  bytes: Buffer,
  topicIds: ReadonlyMap<string, string>,
): { errorCode: number; partitions: FetchedPartition[] } {
  const isFlexible = version >= 13;
  const names = isFlexible
    ? new Map([...topicIds].map(([name, id]) => [id, name]))
    : undefined;
  const read = wireReader(bytes, isFlexible);
  read.tags();
  read.int32(); // throttle time
  let errorCode = 0;
  if (version >= 11) {
    errorCode = read.int16();
    read.int32(); // session
  }
  const partitions: FetchedPartition[] = [];
  read.array(() => {
    const topic = names ? (names.get(read.uuid()) ?? "") : read.text();
    read.array(() => {
      const partition = read.int32();
      const code = read.int16();
      read.skip(version >= 11 ? 24 : 16); // watermarks
      read.array(() => {
        read.skip(16); // aborted transactions
        read.tags();
      });
      if (version >= 11) read.int32(); // preferred replica
      const records = read.bytes();
      read.tags();
      partitions.push({ topic, partition, errorCode: code, records });
    });
    read.tags();
  });
  return { errorCode, partitions };
}
