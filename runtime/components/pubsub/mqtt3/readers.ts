/** The subscriptions of a connection: which one a message belongs to, and what becomes of it. */
import type { StopReading } from "../../../contracts/delivery.ts";
import type { Handle } from "../../../contracts/pubsub.ts";
import type { Logger } from "../../../shared/log.ts";
import type { Arrival } from "../../clients/mqtt/client.ts";
import { matches, withoutGroup } from "../../clients/mqtt/topic-filter.ts";
import { deliverUntilTaken, retryPolicy } from "../../retry.ts";

interface Reader {
  filter: string;
  handle: Handle;
  stopping: AbortController;
  inFlight: Set<Promise<void>>;
}

/** Messages that the server does not keep, and that are here: one more is dropped. */
const mostUnkept = 1000;

export class Readers {
  readonly #log: Logger;
  /** In the order of their subscriptions. */
  readonly #readers: Reader[] = [];
  /** Messages whose subscription is not there yet, or not any more: the server does not send them again while the connection lasts. */
  readonly #unclaimed = new Set<Arrival>();
  readonly #told = new Set<string>();
  readonly #policy = retryPolicy({});
  #unkept = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The result stops: it waits for the messages in flight. */
  add(filter: string, handle: Handle): StopReading {
    const reader: Reader = {
      filter: withoutGroup(filter),
      handle,
      stopping: new AbortController(),
      inFlight: new Set(),
    };
    this.#readers.push(reader);
    for (const message of this.#unclaimed) {
      if (this.#readerOf(message.topic) !== reader) continue;
      this.#unclaimed.delete(message);
      this.#start(reader, message);
    }
    return async () => {
      const at = this.#readers.indexOf(reader);
      if (at >= 0) this.#readers.splice(at, 1);
      reader.stopping.abort();
      await Promise.all(reader.inFlight);
    };
  }

  take(message: Arrival): void {
    const reader = this.#readerOf(message.topic);
    if (reader) this.#start(reader, message);
    else this.#leave(message);
  }

  /** The one of exactly this topic, else the first whose wildcards fit. */
  #readerOf(topic: string): Reader | undefined {
    return (
      this.#readers.find(({ filter }) => filter === topic) ??
      this.#readers.find(({ filter }) => matches(filter, topic))
    );
  }

  #start(reader: Reader, message: Arrival): void {
    if (!message.isKept && this.#unkept >= mostUnkept)
      return this.#tellOnce(
        message.topic,
        `messages of topic ${message.topic} are dropped: the app is slower than they come, and with qos 0 nobody keeps them`,
      );
    if (!message.isKept) this.#unkept++;
    const work = this.#deliver(reader, message)
      .catch((error: Error) =>
        this.#log.error(
          `mqtt: a message of topic ${message.topic}: ${error.message}`,
        ),
      )
      .finally(() => {
        if (!message.isKept) this.#unkept--;
        reader.inFlight.delete(work);
      });
    reader.inFlight.add(work);
  }

  async #deliver(reader: Reader, message: Arrival): Promise<void> {
    const { topic, data, isRetained, signal, isKept } = message;
    const { stopping, handle } = reader;
    const isTaken = await deliverUntilTaken(
      `mqtt: a message of topic ${topic}`,
      { topic, data, metadata: { retained: String(isRetained) } },
      {
        deliver: handle,
        policy: this.#policy,
        deadLetter: undefined,
        log: this.#log,
        holdsUp: "",
        advice: "name a deadLetterTopic in the subscription",
      },
      // What the server does not keep is delivered even if the connection has ended.
      isKept ? AbortSignal.any([stopping.signal, signal]) : stopping.signal,
    );
    if (isTaken) return message.acknowledge();
    this.#leave(message);
  }

  /** Keeps what the server keeps too, for the next subscription. */
  #leave(message: Arrival): void {
    const { topic, isKept, signal } = message;
    if (!isKept || signal.aborted) return;
    this.#unclaimed.add(message);
    signal.addEventListener("abort", () => this.#unclaimed.delete(message), {
      once: true,
    });
    this.#tellOnce(
      topic,
      `messages of topic ${topic} come without a subscription and are kept for one. If there will be none, subscribe once more with metadata unsubscribeOnClose "true": the server sends a client only so many messages at a time`,
    );
  }

  #tellOnce(topic: string, text: string): void {
    if (this.#told.has(topic)) return;
    this.#told.add(topic);
    this.#log.warn(`mqtt: ${text}`);
  }
}
