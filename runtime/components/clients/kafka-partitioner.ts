/** Which partition a key goes to, the way the original's client chooses it. */

/**
 * FNV-1a, 32 bits, over the key, taken as a *signed* number; its remainder
 * without the sign (sarama's NewHashPartitioner, not Java's murmur2).
 */
export function partitionOf(key: Uint8Array, partitions: number): number {
  let hash = 0x811c9dc5 | 0;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return Math.abs(hash % partitions);
}
