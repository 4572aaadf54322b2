/**
 * One partition's records on their way to the app: strictly one after the
 * other, or in bulks one after the other, read ahead up to a byte budget,
 * unpacked only when their turn comes.
 */
import { pause } from "../../../../shared/backoff.ts";
import {
  openBatch,
  splitBatches,
  type FetchedBatch,
  type KafkaRecord,
} from "../protocol/record-batch.ts";

/** What is done with a topic's records. */
export interface TopicHandler {
  /** How many records go together, and how long the first one waits for others; absent: each goes by itself. */
  bulk?: { maxMessages: number; maxAwaitMs: number };
  /**
   * Handles records until each one is delivered, dead-lettered or skipped. Meanwhile `done` may be told how
   * many at the beginning are. Rejects only when the signal fires first: another member gets the partition, or the input ends.
   */
  handle(
    partition: number,
    records: KafkaRecord[],
    signal: AbortSignal,
    done: (count: number) => void,
  ): Promise<void>;
}

export interface PartitionQueueOptions {
  topic: string;
  partition: number;
  /** The first record to read; -1 if that is not known yet. */
  offset: number;
  budgetBytes: number;
  handler: TopicHandler;
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

/** Where a queue is: all below `done` is done, all below `next` was taken to be delivered. */
interface Position {
  done: number;
  next: number;
}

interface Waiting {
  batch: FetchedBatch;
  /** A record counts only if the queue has not moved since it was fetched. */
  of: Position;
}

const each = { maxMessages: 1, maxAwaitMs: 0 };

export function startPartitionQueue(
  options: PartitionQueueOptions,
): PartitionQueue {
  const { topic, partition, budgetBytes, handler } = options;
  const { maxMessages, maxAwaitMs } = handler.bulk ?? each;
  const stopping = new AbortController();
  const { signal } = stopping;
  const positionAt = (offset: number): Position => ({
    done: offset,
    next: offset,
  });
  let position = positionAt(options.offset);
  const waiting: Waiting[] = [];
  let open: (Waiting & { records: Iterator<KafkaRecord> }) | undefined;
  /** Batches that have no more records to take. */
  let usedUp: Waiting[] = [];
  let bufferedBytes = 0;
  let fetchOffset = options.offset;
  let isBroken = false;
  let wake: (() => void) | undefined;

  async function run(): Promise<void> {
    const first = position;
    await options.previous?.ended;
    if (options.continues)
      first.done = Math.max(first.done, options.previous?.doneOffset ?? 0);
    first.next = first.done;
    for (let taken; (taken = await takeSome());) {
      const { of, records } = taken;
      let finished = 0;
      const done = (count: number) => {
        if (count <= finished) return;
        of.done = records[count - 1]!.offset + 1;
        options.onProgress(count - finished);
        finished = count;
      };
      await handler.handle(partition, records, signal, done);
      done(records.length);
      if (signal.aborted) return;
      settle();
    }
  }

  /** The records that are delivered next; undefined once stopped. */
  async function takeSome() {
    const records: KafkaRecord[] = [];
    let of: Position | undefined;
    let dueAt = 0;
    while (!signal.aborted) {
      let next;
      try {
        next = await peek(records.length === 0);
      } catch (error) {
        // What was taken before it is delivered first.
        if (of) return { of, records };
        throw error;
      }
      if (of && next && next.of !== of) return { of, records };
      if (next) {
        of ??= next.of;
        take(next);
        records.push(next.record);
        if (records.length === 1) dueAt = performance.now() + maxAwaitMs;
        if (records.length >= maxMessages) return { of, records };
        continue;
      }
      if (!of) {
        await more();
        continue;
      }
      // A full queue gets no more records until these are delivered.
      const leftMs = dueAt - performance.now();
      if (leftMs <= 0 || bufferedBytes >= budgetBytes) return { of, records };
      await more(leftMs);
    }
    return undefined;
  }

  let peeked: { of: Position; record: KafkaRecord } | undefined;
  /** The next record, if one is there. `mayFinish`: nothing is taken and not delivered, so batches without more records are done. */
  async function peek(mayFinish: boolean) {
    while (!peeked && (open || waiting.length > 0)) {
      if (!open) {
        const { batch, of } = waiting[0]!;
        const records = batch.control ? [] : await openBatch(batch);
        if (signal.aborted) return undefined;
        waiting.shift();
        open = { batch, of, records: records[Symbol.iterator]() };
      }
      const { value: record, done } = open.records.next();
      if (done) {
        usedUp.push(open);
        open = undefined;
        if (mayFinish) settle();
      }
      // A fetch may begin in the middle of a batch, and so may the log.
      else if (record.offset >= open.of.next) peeked = { of: open.of, record };
    }
    return peeked;
  }

  function take({ of, record }: NonNullable<typeof peeked>): void {
    peeked = undefined;
    of.next = record.offset + 1;
  }

  function settle(): void {
    for (const { batch, of } of usedUp.splice(0)) {
      // Compaction may have removed the last records of a batch.
      of.done = Math.max(of.done, batch.lastOffset + 1);
      of.next = Math.max(of.next, of.done);
      bufferedBytes -= batch.bytes.length;
      options.onProgress(0);
    }
  }

  /** Resolves when records come, when stopped, or after `ms`. */
  async function more(ms?: number): Promise<void> {
    if (waiting.length > 0 || signal.aborted) return;
    const over = new AbortController();
    wake = () => over.abort();
    if (ms !== undefined) await pause(ms, over.signal);
    else
      await new Promise<void>((resolve) =>
        over.signal.addEventListener("abort", () => resolve()),
      );
    wake = undefined;
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
      return isBroken || signal.aborted || bufferedBytes >= budgetBytes;
    },
    push(records) {
      if (signal.aborted) return;
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
      position = positionAt(offset);
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
