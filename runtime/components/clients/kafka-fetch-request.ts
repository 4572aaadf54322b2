/** Kafka's Fetch request, version 4 (Kafka 0.11) or 11 (2.3): all that is asked for is records. */
import type { WireRequest } from "./kafka-cluster.ts";

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

/** The newer of the two that the broker knows. Throws when it knows neither. */
export function fetchVersion(
  versions: Record<number, { minVersion: number; maxVersion: number }>,
): 4 | 11 {
  const { minVersion = 0, maxVersion = 0 } = versions[apiKey] ?? {};
  if (maxVersion >= 11 && minVersion <= 11) return 11;
  if (maxVersion >= 4 && minVersion <= 4) return 4;
  throw new Error(
    `the broker takes Fetch requests of version ${minVersion} to ${maxVersion}, this client sends 4 or 11`,
  );
}

export function fetchRequest(
  version: 4 | 11,
  positions: FetchPosition[],
  limits: FetchLimits,
  maxWaitMs: number,
): WireRequest {
  const topics = Map.groupBy(positions, ({ topic }) => topic);
  let size = 64;
  for (const [topic, partitions] of topics)
    size += 6 + Buffer.byteLength(topic) + partitions.length * 28;
  const body = Buffer.alloc(size);
  let at = 0;
  const int32 = (value: number) => (at = body.writeInt32BE(value, at));
  const int64 = (value: number) =>
    (at = body.writeBigInt64BE(BigInt(value), at));
  int32(-1); // not a replica
  int32(maxWaitMs);
  int32(limits.minBytes);
  int32(limits.maxBytes);
  body[at++] = 0; // read uncommitted, the original's default
  if (version >= 11) {
    int32(0); // no fetch session
    int32(-1);
  }
  int32(topics.size);
  for (const [topic, partitions] of topics) {
    at = body.writeInt16BE(Buffer.byteLength(topic), at);
    at += body.write(topic, at);
    int32(partitions.length);
    for (const { partition, offset } of partitions) {
      int32(partition);
      if (version >= 11) int32(-1); // leader epoch unknown
      int64(offset);
      if (version >= 11) int64(-1);
      int32(limits.partitionMaxBytes);
    }
  }
  if (version >= 11) {
    int32(0); // nothing to forget
    at = body.writeInt16BE(0, at); // no rack
  }
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
  version: 4 | 11,
  bytes: Buffer,
): { errorCode: number; partitions: FetchedPartition[] } {
  let at = 4; // throttle time
  const int16 = () => bytes.readInt16BE((at += 2) - 2);
  const int32 = () => bytes.readInt32BE((at += 4) - 4);
  let errorCode = 0;
  if (version >= 11) {
    errorCode = int16();
    at += 4; // session
  }
  const partitions: FetchedPartition[] = [];
  for (let topics = int32(); topics > 0; topics--) {
    const length = int16();
    const topic = bytes.toString("utf8", at, (at += length));
    for (let count = int32(); count > 0; count--) {
      const partition = int32();
      const code = int16();
      at += version >= 11 ? 24 : 16; // watermarks
      const aborted = int32();
      if (aborted > 0) at += aborted * 16;
      if (version >= 11) at += 4; // preferred replica
      const size = Math.max(int32(), 0);
      const records = bytes.subarray(at, (at += size));
      partitions.push({ topic, partition, errorCode: code, records });
    }
  }
  return { errorCode, partitions };
}
