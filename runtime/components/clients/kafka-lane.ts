/**
 * One partition's records on their way to the app: strictly one after the
 * other, read ahead up to a byte budget, unpacked only when their turn comes.
 */
import {
  openBatch,
  splitBatches,
  type FetchedBatch,
  type KafkaRecord,
} from "./kafka-record-batch.ts";

/**
 * Sees one record through: delivered, dead-lettered or skipped. Rejects only
 * when the signal fires first (the partition goes to someone else, or the end).
 */
export type HandleRecord = (
  topic: string,
  partition: number,
  record: KafkaRecord,
  signal: AbortSignal,
) => Promise<void>;

export interface LaneOptions {
  topic: string;
  partition: number;
  /** The first record to read. */
  offset: number;
  budgetBytes: number;
  handle: HandleRecord;
  /** The lane that had the partition before: its last delivery must be over first. */
  previous: Lane | undefined;
  /** No one else had the partition since then: what that lane did is done. */
  continues: boolean;
  /** Room for more, or a record done. */
  onProgress(): void;
  /** The lane can't go on: data that can't be read. */
  onTrouble(error: Error): void;
}

export interface Lane {
  readonly topic: string;
  readonly partition: number;
  /** Where fetching goes on. */
  fetchOffset: number;
  /** Everything below is done; what to commit. */
  readonly doneOffset: number;
  readonly full: boolean;
  push(records: Buffer): void;
  /** Starts nothing more; resolves when the delivery in flight is over. */
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

export function startLane(options: LaneOptions): Lane {
  const { topic, partition } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const waiting: { batch: FetchedBatch; frees: number }[] = [];
  let bufferedBytes = 0;
  let doneOffset = options.offset;
  let fetchOffset = options.offset;
  let wake: (() => void) | undefined;

  async function run(): Promise<void> {
    await options.previous?.ended;
    if (options.continues)
      doneOffset = Math.max(doneOffset, options.previous?.doneOffset ?? 0);
    while (!signal.aborted) {
      const next = waiting.shift();
      if (!next) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const { batch, frees } = next;
      if (!batch.control)
        for (const record of await openBatch(batch)) {
          // A fetch may begin in the middle of a batch.
          if (record.offset < doneOffset) continue;
          await options.handle(topic, partition, record, signal);
          doneOffset = record.offset + 1;
          options.onProgress();
          if (signal.aborted) return;
        }
      // Compaction may have taken the last records of a batch.
      doneOffset = Math.max(doneOffset, batch.lastOffset + 1);
      bufferedBytes -= frees;
      options.onProgress();
    }
  }

  const ended = run().catch((error: Error) => {
    if (!signal.aborted) options.onTrouble(error);
  });

  return {
    topic,
    partition,
    get fetchOffset() {
      return fetchOffset;
    },
    set fetchOffset(offset) {
      fetchOffset = offset;
    },
    get doneOffset() {
      return doneOffset;
    },
    get full() {
      return bufferedBytes >= options.budgetBytes;
    },
    push(records) {
      for (const batch of splitBatches(records)) {
        fetchOffset = batch.lastOffset + 1;
        bufferedBytes += batch.bytes.length;
        waiting.push({ batch, frees: batch.bytes.length });
      }
      wake?.();
    },
    stop() {
      stopping.abort();
      wake?.();
      waiting.length = 0;
      return ended;
    },
    ended,
  };
}
