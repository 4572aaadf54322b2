/**
 * Group commit to one topic: a single message is sent at once; messages that
 * arrive while a request is in flight go together in the next one (dispatch.ts).
 * This file lets messages wait for a connection, at most until the deadline and
 * in bounded memory.
 */
import { doublingBackoff } from "../../../../shared/backoff.ts";
import { createDispatch } from "./dispatch.ts";
import { errorType, explainError, isHopeless } from "../errors.ts";
import type { Entry, OutgoingMessage } from "./partition-buffer.ts";
import { recordSize } from "../protocol/record-batch.ts";
import { connectTopic, type Topic } from "../topic.ts";
import type { ProducerOptions } from "./options.ts";
import { watchKafka } from "../outage.ts";

export interface KafkaProducer {
  /** Resolves once the brokers stored the message. */
  send(
    message: OutgoingMessage,
  ): Promise<{ partition: number; offset: number }>;
  close(): Promise<void>;
}

/** How much may wait while the broker is away; beyond it callers get an error at once. */
const maxWaitingBytes = 16 * 1024 * 1024;
/** By then a broker that creates topics on demand has done so. */
const missingTopicMs = 10_000;

export function openProducer(options: ProducerOptions): KafkaProducer {
  const { server } = options;
  const closing = new AbortController();
  /** Messages without a partition yet, because the topic isn't known. */
  let unplaced: Entry[] = [];
  let waitingBytes = 0;
  /** Set while connected. */
  let topic: Topic | undefined;
  const backoff = doublingBackoff(100, 1000);

  const where = `topic "${options.topic}" at ${server.brokers.join(",")}`;
  const outage = watchKafka(server.log, `writing to ${where}`);
  const failed = (reason: string) =>
    new Error(`kafka error: could not write to ${where}: ${reason}`);

  const explain = (error: unknown) =>
    explainError(error, { operation: "WRITE", topic: options.topic });

  let connecting: Promise<void> | undefined;
  /** Connects in the background and keeps trying. Only one such loop runs at a time. */
  function connect(): void {
    connecting ??= (async () => {
      while (topic === undefined && !closing.signal.aborted)
        try {
          topic = await connectTopic(server, options.topic);
        } catch (error) {
          if (!closing.signal.aborted) outage.found(explain(error));
          failHopeless(error);
          await backoff.wait(closing.signal);
        }
      connecting = undefined;
      if (closing.signal.aborted) return topic?.close();
      outage.over();
      for (const entry of unplaced.splice(0)) dispatch.place(entry);
      dispatch.wakeAll();
    })();
  }

  let topicMissingSince: number | undefined;
  /** Fails the waiting messages if waiting won't help: {@link isHopeless}, or a topic that the broker neither has nor creates in time. */
  function failHopeless(error: unknown): void {
    const missing = errorType(error) === "UNKNOWN_TOPIC_OR_PARTITION";
    topicMissingSince = missing
      ? (topicMissingSince ?? performance.now())
      : undefined;
    const reason = isHopeless(error)
      ? explain(error)
      : missing && performance.now() - topicMissingSince! >= missingTopicMs
        ? `the topic does not exist, and the broker has not created it within ${missingTopicMs / 1000} s; create it, or let the broker do so (auto.create.topics.enable)`
        : undefined;
    if (reason === undefined) return;
    for (const entry of unplaced.splice(0))
      settle(entry).reject(failed(reason));
    dispatch.failAll(reason);
  }

  /** Called when the connection can't be used any more; a new one is made. */
  function drop(used: Topic, error: unknown): void {
    if (used !== topic) return;
    topic = undefined;
    used.close();
    outage.found(explain(error));
    failHopeless(error);
    connect();
  }

  let whenSettled: (() => void) | undefined;
  function settle(entry: Entry): Entry {
    waitingBytes -= entry.size;
    if (waitingBytes === 0) whenSettled?.();
    return entry;
  }

  const dispatch = createDispatch({
    options,
    topic: () => topic,
    drop,
    postpone: (entry) => void unplaced.push(entry),
    settle,
    failed,
    explain,
    outage,
    backoff,
    closing: closing.signal,
  });

  /** Fails messages that waited too long. */
  function expire(): void {
    const now = performance.now();
    const reason = `${outage.reason ?? "no answer from the broker"} (gave up after ${options.deadlineMs} ms)`;
    const isLate = (entry: Entry) => entry.deadline <= now;
    const late = unplaced.filter(isLate);
    if (late.length > 0)
      unplaced = unplaced.filter((entry) => !late.includes(entry));
    for (const entry of late) settle(entry).reject(failed(reason));
    // A late answer must not be taken for the answer to the next batch.
    if (dispatch.expire(isLate, reason) && topic)
      drop(topic, new Error("the broker did not answer in time"));
  }

  const expiry = setInterval(expire, 250);
  expiry.unref();
  connect();

  return {
    send(message) {
      const size = recordSize(message);
      if (size > options.maxMessageBytes)
        return Promise.reject(
          failed(
            `message of ${size} bytes is larger than maxMessageBytes (${options.maxMessageBytes})`,
          ),
        );
      if (closing.signal.aborted)
        return Promise.reject(failed("the component is closed"));
      if (waitingBytes + size > maxWaitingBytes)
        return Promise.reject(
          failed(
            `${waitingBytes} bytes wait for the broker already; try again later${outage.reason ? ` (${outage.reason})` : ""}`,
          ),
        );
      waitingBytes += size;
      return new Promise((resolve, reject) => {
        const deadline = performance.now() + options.deadlineMs;
        const entry = { message, size, deadline, resolve, reject };
        if (topic) dispatch.place(entry);
        else {
          unplaced.push(entry);
          connect();
        }
      });
    },
    async close() {
      // Messages that callers still wait for get their time, which expire() limits.
      if (waitingBytes > 0)
        await new Promise<void>((resolve) => (whenSettled = resolve));
      clearInterval(expiry);
      closing.abort();
      topic?.close();
      topic = undefined;
      await connecting;
    },
  };
}
