/** The messages that wait for one partition, and the batch that is under way. */
import type { OutgoingRecord, Sequence } from "../protocol/record-batch.ts";

export interface OutgoingMessage extends OutgoingRecord {
  /** The partition, if it is not chosen by key or at random. */
  partition: number | undefined;
}

/** A message and the caller who waits for its outcome. */
export interface Entry {
  message: OutgoingMessage;
  size: number;
  deadline: number;
  resolve(at: { partition: number; offset: number }): void;
  reject(error: Error): void;
}

/** By what the broker knows a producer. */
export interface Identity {
  producerId: bigint;
  epoch: number;
}

export interface Batch {
  entries: Entry[];
  /** Set by the first try and never changed: each try sends the same bytes. */
  sequence: Sequence | undefined;
  bytes: Buffer | undefined;
  attempts: number;
  /** A try ended and the broker did not say that it refused the batch. */
  maybeStored: boolean;
}

export interface PartitionBuffer {
  readonly partition: number;
  entries: Entry[];
  readonly batch: Batch | undefined;
  /** Forms the next batch if none is under way; returns whether there is one to send. */
  fill(): boolean;
  nextSequence(identity: Identity | undefined): Sequence;
  /** The broker has it; the next batch gets the following numbers. */
  stored(): void;
  /** The broker surely does not have it; its numbers are free. */
  refused(): void;
  /** Nobody knows; its numbers are never used again. */
  abandon(): void;
  /** The same entries under a new producer id. */
  restart(): void;
  /** Sends the batch that was just refused again in halves, one after the other. */
  split(refused: Batch): void;
}

/** Kafka's own default limit of a batch (message.max.bytes = 1048588). */
const brokerBatchBytes = 1_000_000;
const noSequence: Sequence = { producerId: -1n, epoch: -1, first: -1 };

export function createPartitionBuffer(
  partition: number,
  maxMessageBytes: number,
): PartitionBuffer {
  const maxBytes = Math.min(brokerBatchBytes, maxMessageBytes);
  let current: Identity | undefined;
  let next = 0;
  let batch: Batch | undefined;
  /** Set by a split: the next batches hold at most so many entries. */
  let limit = Infinity;

  const buffer: PartitionBuffer = {
    partition,
    entries: [],
    get batch() {
      return batch;
    },
    fill() {
      if (batch) return true;
      if (buffer.entries.length === 0) return false;
      let count = 0;
      let bytes = 0;
      for (const { size } of buffer.entries) {
        if (count > 0 && (bytes + size > maxBytes || count >= limit)) break;
        bytes += size;
        count++;
      }
      batch = {
        entries: buffer.entries.splice(0, count),
        sequence: undefined,
        bytes: undefined,
        attempts: 0,
        maybeStored: false,
      };
      return true;
    },
    nextSequence(identity) {
      if (!identity) return noSequence;
      if (identity !== current) {
        current = identity;
        next = 0;
      }
      return { ...identity, first: next };
    },
    stored() {
      // Sequence numbers are 31 bits and start again at 0.
      next = (next + batch!.entries.length) % 2 ** 31;
      limit = limit >= 1024 ? Infinity : limit * 2;
      batch = undefined;
    },
    refused() {
      batch = undefined;
    },
    abandon() {
      batch = undefined;
      current = undefined;
    },
    restart() {
      current = undefined;
      batch!.sequence = undefined;
      batch!.bytes = undefined;
    },
    split({ entries }) {
      limit = Math.ceil(entries.length / 2);
      buffer.entries.unshift(...entries);
    },
  };
  return buffer;
}
