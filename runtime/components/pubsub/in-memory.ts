/** pubsub.in-memory: for tests and first steps; a message reaches those who subscribe when it comes, and is gone with the process (docs/protocol/pubsub.md). */
import {
  DeliveryInterrupted,
  type StopReading,
} from "../../contracts/delivery.ts";
import {
  definePubSub,
  type BulkLimits,
  type HandleBulk,
  type PubSub,
  type TopicMessage,
} from "../../contracts/pubsub.ts";
import { pause } from "../../shared/backoff.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { unlessAborted } from "../../shared/unless-aborted.ts";

export const inMemory = definePubSub("pubsub.in-memory", {}, async ({ log }) =>
  openInMemory(log),
);

/** The original's. */
const mostTries = 10;
const againMs = 100;
/** A publisher waits while as much as this waits for a slow reader. */
const mostWaiting = 1000;
const mostBytes = 16 * 1024 * 1024;

export function openInMemory(log: Logger): PubSub {
  const readers = new Set<Reader>();
  let isClosed = false;

  const subscribe = async (
    topic: string,
    limits: BulkLimits,
    handle: HandleBulk,
  ): Promise<StopReading> => {
    const reader = new Reader(topic, limits, handle, log);
    readers.add(reader);
    return () => {
      readers.delete(reader);
      return reader.stop();
    };
  };

  return {
    features: ["SUBSCRIBE_WILDCARDS"],
    async publish({ topic, data, contentType, metadata }, call) {
      if (isClosed) throw new Error("the component is closed");
      const message = { topic, data, contentType, metadata };
      for (const reader of readers)
        if (reader.wants(topic)) {
          while (reader.isFull)
            await unlessAborted(reader.hasRoom(), call?.signal());
          reader.add(message);
        }
    },
    subscribe: ({ topic }, handle) =>
      subscribe(topic, oneByOne, async ([message]) => {
        await handle(message!);
        return [];
      }),
    subscribeBulk: ({ topic }, limits, handle) =>
      subscribe(topic, limits, handle),
    async close() {
      isClosed = true;
      await Promise.all([...readers].map((reader) => reader.stop()));
      readers.clear();
    },
  };
}

const oneByOne: BulkLimits = { maxMessages: 1, maxAwaitMs: 0 };

/** A subscription: its messages wait here, and are handed over one bulk after the other. */
class Reader {
  readonly #topic: string;
  /** What a topic begins with, if the subscription ends in `*`. */
  readonly #prefix: string | undefined;
  readonly #limits: BulkLimits;
  readonly #handle: HandleBulk;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #waiting: TopicMessage[] = [];
  #bytes = 0;
  #isBusy = false;
  #idle = Promise.resolve();
  /** Ends a wait for more messages, or for room. */
  #onEnough: (() => void) | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(
    topic: string,
    limits: BulkLimits,
    handle: HandleBulk,
    log: Logger,
  ) {
    this.#topic = topic;
    this.#prefix = topic.endsWith("*") ? topic.slice(0, -1) : undefined;
    this.#limits = limits;
    this.#handle = handle;
    this.#log = log;
  }

  wants(topic: string): boolean {
    return this.#prefix === undefined
      ? topic === this.#topic
      : topic.length > this.#prefix.length && topic.startsWith(this.#prefix);
  }

  get isFull(): boolean {
    return this.#waiting.length >= mostWaiting || this.#bytes >= mostBytes;
  }

  /** Resolves when a message has left. */
  hasRoom(): Promise<void> {
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  add(message: TopicMessage): void {
    if (this.#stopping.signal.aborted) return;
    this.#waiting.push(message);
    this.#bytes += message.data.length;
    if (this.#waiting.length >= this.#limits.maxMessages) this.#onEnough?.();
    if (!this.#isBusy) this.#idle = this.#run();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      await this.#enough();
      const bulk = this.#waiting.splice(0, this.#limits.maxMessages);
      for (const { data } of bulk) this.#bytes -= data.length;
      this.#room?.resolve();
      this.#room = undefined;
      if (bulk.length > 0) await this.#deliver(bulk);
    }
    this.#isBusy = false;
  }

  /** Waits for a whole bulk, at most as long as the first message may wait. */
  async #enough(): Promise<void> {
    const { maxMessages, maxAwaitMs } = this.#limits;
    if (this.#waiting.length >= maxMessages) return;
    const enough = new AbortController();
    this.#onEnough = () => enough.abort();
    await pause(maxAwaitMs, enough.signal);
    this.#onEnough = undefined;
  }

  async #deliver(bulk: TopicMessage[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      const errors = await this.#handle(bulk).catch((error: Error) =>
        bulk.map(() => error),
      );
      const isStopped = errors.some(
        (one) => one instanceof DeliveryInterrupted,
      );
      const error = errors.find((one) => one !== undefined);
      if (!error) return;
      bulk = bulk.filter((_, i) => errors[i] !== undefined);
      const what = `${messages(bulk.length)} of topic ${this.#topic}`;
      if (isStopped || this.#stopping.signal.aborted)
        return this.#log.warn(
          `${what} not taken before the end of the subscription, and lost: this component keeps none`,
        );
      if (tries === mostTries)
        return this.#log.error(
          `${what} given up after ${tries} deliveries: ${messageOf(error)}`,
        );
      this.#log.warn(
        `${what} not taken (delivery ${tries} of ${mostTries}): ${messageOf(error)}`,
      );
      await pause(againMs, this.#stopping.signal);
    }
  }

  /** What is being handed over is waited for; what waits is lost. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const lost = this.#waiting.splice(0);
    this.#bytes = 0;
    if (lost.length > 0)
      this.#log.warn(
        `${messages(lost.length)} of topic ${this.#topic} lost with the end of the subscription: this component keeps none`,
      );
    this.#onEnough?.();
    this.#room?.resolve();
    await this.#idle;
  }
}

const messages = (count: number) =>
  count === 1 ? "a message" : `${count} messages`;
