/**
 * A reader of topics. Each partition that it holds has one ordered queue; queues run
 * in parallel.
 */
import {
  DeliveryInterrupted,
  type StopReading,
} from "../../../../contracts/delivery.ts";
import { pause } from "../../../../shared/backoff.ts";
import type { Logger } from "../../../../shared/log.ts";
import { startTimer } from "../../../../shared/timers.ts";
import type { LogClient } from "./client.ts";
import {
  PartitionQueue,
  unpack,
  type HandoverLimits,
  type Received,
} from "./partition-queue.ts";
import type { Progress, ReaderEvent, ReaderOptions } from "./protocol.ts";

/** Where messages are from, and until when they may be delivered. */
export interface Turn {
  topic: string;
  /** The partition's. */
  number: number;
  /** Fires when the partition moves away or reading stops. */
  signal: AbortSignal;
  /** To be awaited before each delivery. Rejects with a DeliveryInterrupted if the partition has moved away meanwhile. */
  hold(): Promise<void>;
}

export interface Reading {
  client: LogClient;
  options: ReaderOptions;
  /** Absent: one message at a time, at once. */
  limits?: HandoverLimits;
  /**
   * Gets the messages of one partition in order, the next ones once it is done. True: go
   * on. False: the signal has fired; they come again for the next reader.
   */
  handle(messages: Received[], turn: Turn): Promise<boolean>;
  log: Logger;
}

/** What is done is reported to the database's thread this often, or earlier after so many messages. */
const report = { everyMs: 20, messages: 64 };
const againMs = 1000;
const oneByOne: HandoverLimits = { maxMessages: 1, maxAwaitMs: 0 };
let lastReader = 0;

export async function startReading(reading: Reading): Promise<StopReading> {
  const reader = new Reader(reading);
  await reader.start();
  let stopped: Promise<void> | undefined;
  return () => (stopped ??= reader.stop());
}

class Reader {
  readonly #reading: Reading;
  readonly #queues = new Map<number, PartitionQueue>();
  /** The last delivery of each partition; a new queue waits for that of its predecessor. */
  readonly #tails = new Map<number, Promise<void>>();
  readonly #lease = new SharedArrayBuffer(8);
  readonly #leaseUntil = new BigInt64Array(this.#lease);
  /** The lease as last seen while it was valid. */
  #leaseKnown = 0n;
  readonly #stopping = new AbortController();
  #joining: Promise<void> = Promise.resolve();
  #joinProblem = "";
  #id = 0;
  #reportTimer: NodeJS.Timeout | undefined;

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  /** Waits for the first attempt: afterwards reading has begun, unless something is wrong. */
  async start(): Promise<void> {
    try {
      await this.#join();
    } catch (error) {
      this.#joinFailed(error as Error);
      this.#joining = this.#keepJoining();
    }
  }

  async #join(): Promise<void> {
    this.#id = ++lastReader;
    const { client, options } = this.#reading;
    await client.join(this.#id, options, this.#lease, (event) =>
      this.#on(event),
    );
  }

  #on(event: ReaderEvent | "gone"): void {
    if (event === "gone") return this.#startAgain();
    if (event.event === "problem")
      return this.#reading.log.error(`embedded broker: ${event.text}`);
    if (event.event === "assigned") return this.#assign(event);
    const queue = this.#queues.get(event.queue);
    if (!queue) return;
    if (event.event === "records")
      return queue.add(unpack(event.rows, event.data));
    queue.end.abort();
    this.#queues.delete(queue.id);
    if (event.event === "release")
      void queue.running.then(() =>
        this.#tell("released", { progress: [queue.id, queue.next] }),
      );
  }

  #startAgain(): void {
    this.#reading.log.error(
      "embedded broker: the database thread has ended, starting another",
    );
    for (const queue of this.#queues.values()) queue.end.abort();
    this.#joining = this.#joining.then(() => this.#keepJoining());
  }

  #assign({
    queue: id,
    topic,
    number,
    partition,
  }: ReaderEvent & { event: "assigned" }): void {
    const queue = new PartitionQueue(id, topic, number);
    this.#queues.set(id, queue);
    const before = this.#tails.get(partition) ?? Promise.resolve();
    queue.running = before
      .then(() => this.#run(queue))
      .catch((error: Error) => {
        this.#reading.log.error(
          `partition ${topic}/${number} has stopped: ${error.message}`,
        );
      });
    this.#tails.set(partition, queue.running);
  }

  /** Hands a queue's messages over one after the other until it ends. */
  async #run(queue: PartitionQueue): Promise<void> {
    const { limits = oneByOne, handle } = this.#reading;
    const { topic, number } = queue;
    const { signal } = queue.end;
    const hold = async () => {
      if (!this.#holdsLease()) await this.#verifyLease(signal);
      if (signal.aborted)
        throw new DeliveryInterrupted(
          "the partition has moved to another reader",
        );
    };
    for (let messages; (messages = await queue.take(limits));) {
      if (!(await handle(messages, { topic, number, signal, hold }))) return;
      queue.next = messages.at(-1)!.offset + 1;
      queue.unreported += messages.length;
      this.#reportSoon(queue);
    }
  }

  /**
   * Whether the lease was renewed without a gap. After a gap the thread may have
   * renewed it before its message about lost partitions arrived here; then the
   * thread has to be asked.
   */
  #holdsLease(): boolean {
    const now = process.hrtime.bigint();
    if (now >= this.#leaseKnown) return false;
    this.#leaseKnown = Atomics.load(this.#leaseUntil, 0);
    return now < this.#leaseKnown;
  }

  /** Called after a stall that was longer than the lease: nothing is delivered until it is known who owns what. */
  async #verifyLease(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#holdsLease()) {
      try {
        await this.#reading.client.request({ op: "verify", reader: this.#id });
        this.#leaseKnown = Atomics.load(this.#leaseUntil, 0);
      } catch (error) {
        this.#reading.log.error(
          `embedded broker: the lease cannot be renewed, again in ${againMs} ms: ${(error as Error).message}`,
        );
        await pause(againMs, signal);
      }
    }
  }

  #reportSoon(queue: PartitionQueue): void {
    if (queue.unreported >= report.messages) return this.#report();
    this.#reportTimer ??= startTimer(() => this.#report(), report.everyMs);
  }

  #report(): void {
    clearTimeout(this.#reportTimer);
    this.#reportTimer = undefined;
    const progress: Progress[] = [];
    for (const queue of this.#queues.values()) {
      if (queue.unreported > 0) progress.push([queue.id, queue.next]);
      queue.unreported = 0;
    }
    if (progress.length > 0) this.#tell("done", { progress });
  }

  /** A failure here only costs repeated deliveries, so it is logged and not thrown. */
  #tell(
    op: "done" | "released",
    rest: { progress: Progress | Progress[] },
  ): void {
    this.#reading.client
      .request({ op, reader: this.#id, ...rest } as Parameters<
        LogClient["request"]
      >[0])
      .catch((error: Error) => {
        if (!this.#stopping.signal.aborted)
          this.#reading.log.error(`embedded broker: ${error.message}`);
      });
  }

  /** Joins the group, however long that takes: a full disk or a locked file is often temporary. */
  async #keepJoining(): Promise<void> {
    while (await pause(againMs, this.#stopping.signal)) {
      // An attempt that failed half-way may have brought some queues.
      for (const queue of this.#queues.values()) queue.end.abort();
      this.#queues.clear();
      try {
        await this.#join();
        this.#joinProblem = "";
        return;
      } catch (error) {
        this.#joinFailed(error as Error);
      }
    }
  }

  /** Logged once, not every second. */
  #joinFailed({ message }: Error): void {
    if (message === this.#joinProblem) return;
    this.#joinProblem = message;
    this.#reading.log.error(
      `embedded broker: cannot read yet, trying again every ${againMs} ms: ${message}`,
    );
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#reportTimer);
    await this.#joining;
    const queues = [...this.#queues.values()];
    for (const queue of queues) queue.end.abort();
    await Promise.all(this.#tails.values());
    const progress = queues
      .filter((queue) => queue.next >= 0)
      .map((queue): Progress => [queue.id, queue.next]);
    await this.#reading.client.leave(this.#id, progress);
  }
}
