/** Reads a queue, over a new channel whenever the last one has ended. */
import type { Channel, ConsumeMessage } from "amqplib";
import { doublingBackoff } from "../../../shared/backoff.ts";
import type { Logger } from "../../../shared/log.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { watchOutage } from "../../../shared/outage.ts";
import type { RabbitClient } from "./connection.ts";

/** What becomes of a message; nothing while it stays with this reader, and the server gives it to the next one. */
export type Verdict = "ack" | "requeue" | "drop" | undefined;

export interface ConsumerOptions {
  client: RabbitClient;
  queue: string;
  /** Creates the queue with what it needs. */
  declare(channel: Channel): Promise<unknown>;
  /** Starts with the queue's name. */
  consumerTag: string;
  /** How many messages are here at the same time. */
  prefetch: number;
  /** The server takes each message for done once it has sent it. */
  autoAck: boolean;
  /** One message after the other. */
  isSerial: boolean;
  /** `signal` fires when the message is no longer this reader's. */
  handle(message: ConsumeMessage, signal: AbortSignal): Promise<Verdict>;
  log: Logger;
}

const pauses = { firstMs: 100, mostMs: 5000 };

/**
 * Starts to read. Resolves once the queue is read, or once it is clear that the server is late. Rejects if the
 * server refuses to give it. The result stops: it waits for the messages in flight.
 */
export async function startConsumer(
  options: ConsumerOptions,
): Promise<() => Promise<void>> {
  const { client, queue, declare, consumerTag, prefetch } = options;
  const { autoAck, isSerial, handle, log } = options;
  const stopping = new AbortController();
  const started = Promise.withResolvers<void>();
  const backoff = doublingBackoff(pauses.firstMs, pauses.mostMs, 0.1);
  const outage = watchOutage({
    found: (reason) =>
      log.warn(
        `rabbitmq: queue ${queue} can't be read, trying until it can: ${reason}`,
      ),
    over: () => log.info(`rabbitmq: queue ${queue} is read again`),
  });
  let isFirst = true;
  /** In serial reading, the message before; it may have come over an earlier channel. */
  let last: Promise<void> = Promise.resolve();

  async function keepReading(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const model = await client.connection(stopping.signal);
        await readOver(await model.createChannel());
      } catch (error) {
        if (stopping.signal.aborted) return;
        const reason = messageOf(error);
        // A number is the server's own word on the queue.
        if (isFirst && typeof (error as { code?: unknown }).code === "number")
          return started.reject(
            new Error(
              `rabbitmq pub/sub error: queue ${queue} can't be read: ${reason}`,
              { cause: error },
            ),
          );
        outage.found(reason);
        started.resolve();
      }
      isFirst = false;
      await backoff.wait(stopping.signal);
    }
  }

  /** Reads until the channel ends or reading stops. */
  async function readOver(channel: Channel): Promise<void> {
    const over = new AbortController();
    let problem: Error | undefined;
    channel.on("error", (error) => (problem = error));
    channel.on("close", () => over.abort());
    const inFlight = new Set<Promise<void>>();
    const signal = AbortSignal.any([over.signal, stopping.signal]);

    const take = (message: ConsumeMessage) => {
      const before = last;
      const work = (async () => {
        if (isSerial) await before;
        if (signal.aborted) return;
        const verdict = await handle(message, signal);
        if (autoAck || over.signal.aborted || !verdict) return;
        if (verdict === "ack") channel.ack(message);
        else channel.nack(message, false, verdict === "requeue");
      })().catch((error: Error) =>
        log.error(`rabbitmq: a message of ${queue}: ${error.message}`),
      );
      last = work;
      inFlight.add(work);
      void work.then(() => inFlight.delete(work));
    };

    try {
      await declare(channel);
      await channel.prefetch(prefetch);
      await channel.consume(
        queue,
        (message) => {
          if (message) return take(message);
          problem = new Error(
            "the server has cancelled it: is the queue gone?",
          );
          over.abort();
        },
        { noAck: autoAck, consumerTag },
      );
    } catch (error) {
      throw problem ?? error;
    }
    outage.over();
    backoff.reset();
    started.resolve();
    await whenAborted(signal);
    // The channel may have ended by itself, now or meanwhile. What is not settled goes back to the queue.
    await channel.cancel(consumerTag).catch(() => {});
    await Promise.all(inFlight);
    await channel.close().catch(() => {});
    if (over.signal.aborted)
      throw problem ?? new Error("the channel has ended");
  }

  const reading = keepReading();
  // A server that is late is no error.
  if (client.isConnected) await started.promise;
  started.promise.catch(() => {});
  return async () => {
    stopping.abort();
    await reading;
  };
}

const whenAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
