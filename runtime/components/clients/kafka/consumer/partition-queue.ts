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
 * Handles one record until it is delivered, dead-lettered or skipped. Rejects
 * only when the signal fires first: another member gets the partition, or the input ends.
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
  /** The first record to read; -1 if that is not known yet. */
  offset: number;
  budgetBytes: number;
  handle: HandleRecord;
  /** The queue that had the partition before: its last delivery must be over first. */
  previous: PartitionQueue | undefined;
  /** No one else had the partition in between, so what that queue finished counts. */
  continues: boolean;
  /** Called when so many records are done, or with 0 when there is room for more. */
  onProgress(done: number): void;
  /** Called when the queue can't go on because data can't be read. */
  onFailure(error: Error): void;
}

export interface PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  /** Where fetching goes on; -1 until the queue has its first position. */
  readonly fetchOffset: number;
  /** All records below this offset are done, so it can be committed; -1 as above. */
  readonly doneOffset: number;
  readonly full: boolean;
  push(records: Buffer): void;
  /**
   * Called when the log begins or ends elsewhere than was thought. Both offsets
   * move there, forwards or back. What was fetched before is still delivered
   * first, but is not counted any more.
   */
  moveTo(offset: number): void;
  /** Starts no more deliveries; resolves when the one in flight is over. */
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

export function startPartitionQueue(
  options: PartitionQueueOptions,
): PartitionQueue {
  const { topic, partition } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  /** Counts the moves; a record counts only if the queue has not moved since it was fetched. */
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
      // Compaction may have removed the last records of a batch.
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
