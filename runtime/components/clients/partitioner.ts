/**
 * Which partition a message goes to: the original's rule (sarama), so that a
 * key lands where the Go sidecar would put it.
 */
import { fnv1a } from "../../shared/fnv1a.ts";

/** The key's partition: remainder of the signed hash, made positive; without a key a random one. */
export function partitionOf(
  key: string | Uint8Array | undefined,
  partitions: number,
): number {
  if (key === undefined) return Math.floor(Math.random() * partitions);
  const bytes = typeof key === "string" ? Buffer.from(key) : key;
  return Math.abs(fnv1a(bytes) % partitions);
}

/** Reads metadata `partitionNumber`; undefined when absent. Throws when it names no partition. */
export function forcedPartition(
  value: string | undefined,
  partitions: number,
  topic: string,
): number | undefined {
  if (value === undefined || value === "") return undefined;
  const wanted = Number(value);
  if (!Number.isInteger(wanted) || wanted < 0 || wanted >= partitions)
    throw new Error(
      `partitionNumber "${value}" is not a partition of topic ${topic}: use 0 to ${partitions - 1}`,
    );
  return wanted;
}
