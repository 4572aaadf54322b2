/** One partition's messages on their way to whoever reads them. */
import { startTimer } from "../../../../shared/timers.ts";
import type { Stored } from "./log.ts";
import { window } from "./member.ts";

/** A message of the log; without a value it is a null record. */
export interface Received extends Stored {
  value: Uint8Array | undefined;
}

/** How many messages are handed over together at most, and how long the first one waits for others. */
export interface HandoverLimits {
  maxMessages: number;
  maxAwaitMs: number;
}

/** One reader's messages of one partition, for as long as the reader holds the partition. */
export class PartitionQueue {
  readonly id: number;
  readonly topic: string;
  readonly number: number;
  readonly end = new AbortController();
  running: Promise<void> = Promise.resolve();
  /** The offset after the last finished message; -1 before the first. */
  next = -1;
  unreported = 0;
  #records: Received[] = [];
  #at = 0;
  #wake: (() => void) | undefined;

  constructor(id: number, topic: string, number: number) {
    this.id = id;
    this.topic = topic;
    this.number = number;
    this.end.signal.addEventListener("abort", () => this.#wake?.());
  }

  add(records: Received[]): void {
    this.#records = this.#records.slice(this.#at).concat(records);
    this.#at = 0;
    this.#wake?.();
  }

  /** The next messages, or nothing once the queue has ended. */
  async take({
    maxMessages,
    maxAwaitMs,
  }: HandoverLimits): Promise<Received[] | undefined> {
    let isLate = false;
    let timer: NodeJS.Timeout | undefined;
    try {
      while (!this.end.signal.aborted) {
        const ready = this.#records.length - this.#at;
        if (ready >= maxMessages || (ready > 0 && (isLate || this.#isFull())))
          return this.#next(Math.min(ready, maxMessages));
        if (ready > 0)
          timer ??= startTimer(() => {
            isLate = true;
            this.#wake?.();
          }, maxAwaitMs);
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether no more is read ahead until some of it is taken. */
  #isFull(): boolean {
    const waiting = this.#records.slice(this.#at);
    return (
      waiting.length > window.messages / 2 ||
      waiting.reduce((sum, { size }) => sum + Math.max(0, size), 0) >
        window.laneBytes / 2
    );
  }

  #next(count: number): Received[] {
    return this.#records.slice(this.#at, (this.#at += count));
  }
}

export function unpack(rows: Stored[], data: Uint8Array): Received[] {
  let at = 0;
  return rows.map((row) => ({
    ...row,
    value: row.size < 0 ? undefined : data.subarray(at, (at += row.size)),
  }));
}
