/** Kafka's Produce request, versions 3 to 7 (the layouts differ in the answer only). */
import type { WireRequest } from "./request.ts";

export interface PartitionBatch {
  partition: number;
  batch: Buffer;
}

export interface PartitionResult {
  partition: number;
  errorCode: number;
  baseOffset: number;
}

const apiKey = 0;

/** The newest version that both sides know. Throws if there is none. */
export function produceVersion(
  versions: Record<number, { minVersion: number; maxVersion: number }>,
): number {
  const { minVersion = 0, maxVersion = 0 } = versions[apiKey] ?? {};
  if (minVersion > 7 || maxVersion < 3)
    throw new Error(
      `the broker takes Produce requests of version ${minVersion} to ${maxVersion}, this client sends 3 to 7`,
    );
  return Math.min(maxVersion, 7);
}

export function produceRequest(
  version: number,
  topic: string,
  batches: PartitionBatch[],
  acks: number,
  timeoutMs: number,
): WireRequest {
  const name = Buffer.from(topic);
  const head = Buffer.allocUnsafe(18 + name.length);
  head.writeInt16BE(-1, 0); // no transaction
  head.writeInt16BE(acks, 2);
  head.writeInt32BE(timeoutMs, 4);
  head.writeInt32BE(1, 8);
  head.writeInt16BE(name.length, 12);
  name.copy(head, 14);
  head.writeInt32BE(batches.length, 14 + name.length);
  const parts: Buffer[] = [head];
  for (const { partition, batch } of batches) {
    const prefix = Buffer.allocUnsafe(8);
    prefix.writeInt32BE(partition, 0);
    prefix.writeInt32BE(batch.length, 4);
    parts.push(prefix, batch);
  }
  return {
    apiKey,
    apiVersion: version,
    apiName: "Produce",
    body: parts,
    expectResponse: acks !== 0,
    timeoutMs: timeoutMs + 1000,
  };
}

/** Reads the answer for the one topic that was sent. */
export function readProduceResponse(
  version: number,
  bytes: Buffer,
): PartitionResult[] {
  const entrySize = version >= 5 ? 30 : 22;
  let at = 4; // one topic
  at += 2 + bytes.readInt16BE(at);
  const count = bytes.readInt32BE(at);
  at += 4;
  const results: PartitionResult[] = [];
  for (let i = 0; i < count; i++, at += entrySize)
    results.push({
      partition: bytes.readInt32BE(at),
      errorCode: bytes.readInt16BE(at + 4),
      baseOffset: Number(bytes.readBigInt64BE(at + 6)),
    });
  return results;
}

/**
 * What to do after an error code. `again`: send the same batch once more.
 * `renew`: the broker forgot this producer ID. `split`: one of the batch's
 * messages is at fault. Codes: https://kafka.apache.org/protocol#protocol_error_codes
 */
export type Verdict = "stored" | "again" | "renew" | "split" | "refused";

const verdicts = new Map<number, Verdict>([
  [0, "stored"],
  [46, "stored"], // DUPLICATE_SEQUENCE_NUMBER: an earlier try arrived
  ...[3, 5, 6, 7, 8, 9, 13, 19, 20, 56, 74, 75].map(
    (code) => [code, "again"] as const,
  ),
  ...[45, 47, 49, 59].map((code) => [code, "renew"] as const),
  ...[2, 10, 18, 32, 87].map((code) => [code, "split"] as const),
]);

/** After these errors a batch may be in the log nevertheless: REQUEST_TIMED_OUT, NETWORK_EXCEPTION, NOT_ENOUGH_REPLICAS_AFTER_APPEND. */
export const maybeStoredCodes: ReadonlySet<number> = new Set([7, 13, 20]);

export function verdictOf(code: number): Verdict {
  return verdicts.get(code) ?? "refused";
}
