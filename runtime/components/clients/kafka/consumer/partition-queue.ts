/**
 * One partition's records on their way to the app: strictly one after the
 * other, read ahead up to a byte budget, unpacked only when their turn comes.
 */
import {
  openBatch,
  splitBatches,
  type FetchedBatch,
  type KafkaRecord,
} from "../protocol/record-batch.ts";

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

export interface PartitionQueueOptions {
  topic: string;
  partition: number;
  /** The first record to read; -1 where that is not known yet. */
  offset: number;
  budgetBytes: number;
  handle: HandleRecord;
  /** The queue that had the partition before: its last delivery must be over first. */
  previous: PartitionQueue | undefined;
  /** No one else had the partition since then: what that queue did is done. */
  continues: boolean;
  /** So many records are done, or there is room for more (0). */
  onProgress(done: number): void;
  /** The queue can't go on: data that can't be read. */
  onFailure(error: Error): void;
}

export interface PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Where fetching goes on; -1 until the queue was moved to its first position. */
  readonly fetchOffset: number;
  /** Everything below is done; what to commit. -1 as above. */
  readonly doneOffset: number;
  readonly full: boolean;
  push(records: Buffer): void;
  /**
   * The log begins or ends elsewhere than was thought: what is fetched and what
   * is done go there together, forwards or back. What was fetched before is
   * delivered first, but counts for nothing any more.
   */
  moveTo(offset: number): void;
  /** Starts nothing more; resolves when the delivery in flight is over. */
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

export function startPartitionQueue(
  options: PartitionQueueOptions,
): PartitionQueue {
  const { topic, partition } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  /** One for each move; a record counts for the position it was fetched from. */
  let position = { done: options.offset };
  const waiting: { batch: FetchedBatch; of: typeof position }[] = [];
  let bufferedBytes = 0;
  let fetchOffset = options.offset;
  let isBroken = false;
  let wake: (() => void) | undefined;

  async function run(): Promise<void> {
    const first = position;
    await options.previous?.ended;
    if (options.continues)
      first.done = Math.max(first.done, options.previous?.doneOffset ?? 0);
    while (!signal.aborted) {
      const next = waiting.shift();
      if (!next) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const { batch, of } = next;
      if (!batch.control)
        for (const record of await openBatch(batch)) {
          // A fetch may begin in the middle of a batch, and so may the log.
          if (record.offset < of.done) continue;
          await options.handle(topic, partition, record, signal);
          of.done = record.offset + 1;
          options.onProgress(1);
          if (signal.aborted) return;
        }
      // Compaction may have taken the last records of a batch.
      of.done = Math.max(of.done, batch.lastOffset + 1);
      bufferedBytes -= batch.bytes.length;
      options.onProgress(0);
    }
  }

  const failed = (error: Error) => {
    if (signal.aborted) return;
    isBroken = true;
    options.onFailure(error);
  };
  const ended = run().catch(failed);

  return {
    topic,
    partition,
    get fetchOffset() {
      return fetchOffset;
    },
    get doneOffset() {
      return position.done;
    },
    get full() {
      return isBroken || bufferedBytes >= options.budgetBytes;
    },
    push(records) {
      try {
        for (const batch of splitBatches(records)) {
          fetchOffset = batch.lastOffset + 1;
          bufferedBytes += batch.bytes.length;
          waiting.push({ batch, of: position });
        }
      } catch (error) {
        failed(error as Error);
      }
      wake?.();
    },
    moveTo(offset) {
      position = { done: offset };
      fetchOffset = offset;
      options.onProgress(0);
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
