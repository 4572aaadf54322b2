/**
 * What happens to a record the app does not take. By default it is delivered
 * again, in place, until the app takes it: the original goes on to the next
 * one and loses it. Limits and the old behaviour are a matter of metadata.
 */
import type { BindingMessage, Deliver } from "../../contract.ts";
import type { Logger } from "../../log.ts";
import type { MetadataValues } from "../../metadata.ts";
import { pause } from "../clients/kafka-backoff.ts";
import type { HandleRecord } from "../clients/kafka-lane.ts";
import type {
  KafkaRecord,
  OutgoingRecord,
} from "../clients/kafka-record-batch.ts";
import type { metadata } from "./kafka-metadata.ts";

export type RetrySettings = Pick<
  MetadataValues<typeof metadata>,
  | "consumeRetryEnabled"
  | "backOffPolicy"
  | "backOffDuration"
  | "backOffInitialInterval"
  | "backOffMaxInterval"
  | "backOffMultiplier"
  | "backOffRandomizationFactor"
  | "backOffMaxElapsedTime"
  | "backOffMaxRetries"
  | "deadLetterTopic"
>;

export interface DeliveryOptions {
  name: string;
  meta: RetrySettings;
  log: Logger;
  deliver: Deliver;
  toMessage(
    topic: string,
    partition: number,
    record: KafkaRecord,
  ): BindingMessage;
  deadLetter(record: OutgoingRecord): Promise<void>;
}

/** The same failure is named again in the log after this time. */
const remindMs = 60_000;

export function createDelivery(options: DeliveryOptions): HandleRecord {
  const { meta, log } = options;
  return async (topic, partition, record, signal) => {
    const message = options.toMessage(topic, partition, record);
    const what = `component "${options.name}": record ${topic}/${partition} at offset ${record.offset}`;
    const pauses = backOff(meta);
    const startedAt = performance.now();
    let remindAt = -Infinity;
    for (let failures = 0; ;) {
      let reason: string;
      try {
        await options.deliver(message);
        if (failures > 0)
          log.info(`kafka: ${what} taken after ${failures} failed deliveries`);
        return;
      } catch (error) {
        reason = (error as Error).message;
      }
      // A delivery cut off by the end of reading says nothing about the record.
      signal.throwIfAborted();
      failures++;
      if (meta.consumeRetryEnabled === false) {
        log.error(
          `kafka: ${what} not taken and skipped, because consumeRetryEnabled is false: ${reason}`,
        );
        return;
      }
      const elapsedMs = performance.now() - startedAt;
      const nextMs = pauses();
      if (
        failures > (meta.backOffMaxRetries ?? Infinity) ||
        elapsedMs + nextMs > (meta.backOffMaxElapsedTime ?? Infinity)
      ) {
        await settle(what, failures, reason, topic, partition, record, signal);
        return;
      }
      if (performance.now() >= remindAt) {
        log.warn(
          `kafka: ${what} not taken (delivery ${failures}), delivering it again until it is; its partition waits: ${reason}`,
        );
        remindAt = performance.now() + remindMs;
      }
      await pause(nextMs, signal);
      signal.throwIfAborted();
    }
  };

  /** The tries are used up: to the dead-letter topic, or a loud line. */
  async function settle(
    what: string,
    tries: number,
    reason: string,
    topic: string,
    partition: number,
    record: KafkaRecord,
    signal: AbortSignal,
  ): Promise<void> {
    const gaveUp = `kafka: ${what} given up after ${tries} deliveries (${reason})`;
    if (!meta.deadLetterTopic) {
      log.error(
        `${gaveUp} and skipped: set deadLetterTopic to keep such records`,
      );
      return;
    }
    const { key, value, headers, timestamp } = record;
    for (;;)
      try {
        await options.deadLetter({
          key,
          value,
          timestamp,
          headers: [
            ...headers,
            ["dead-letter-topic", Buffer.from(topic)],
            ["dead-letter-partition", Buffer.from(String(partition))],
            ["dead-letter-offset", Buffer.from(String(record.offset))],
            ["dead-letter-tries", Buffer.from(String(tries))],
            ["dead-letter-error", Buffer.from(reason)],
          ],
        });
        log.error(`${gaveUp} and moved to topic "${meta.deadLetterTopic}"`);
        return;
      } catch (error) {
        signal.throwIfAborted();
        log.error(
          `${gaveUp}, but not kept yet, trying again: ${(error as Error).message}`,
        );
        await pause(1000, signal);
        signal.throwIfAborted();
      }
  }
}

/** The pause before each further delivery. Unset, it grows from 100 ms to 5 s. */
export function backOff(meta: RetrySettings): () => number {
  if (meta.backOffPolicy === "constant" || isConstant(meta)) {
    const ms = meta.backOffDuration ?? 5000;
    return () => ms;
  }
  const userSet = meta.backOffPolicy === "exponential";
  const mostMs = meta.backOffMaxInterval ?? (userSet ? 60_000 : 5000);
  const factor = meta.backOffMultiplier ?? (userSet ? 1.5 : 2);
  const spread = meta.backOffRandomizationFactor ?? (userSet ? 0.5 : 0);
  let nextMs = meta.backOffInitialInterval ?? (userSet ? 500 : 100);
  return () => {
    const ms = Math.min(nextMs, mostMs);
    nextMs = Math.min(nextMs * factor, mostMs);
    return ms * (1 + spread * (Math.random() * 2 - 1));
  };
}

/** The original's policy is constant unless said otherwise: one who gives a duration means that. */
const isConstant = (meta: RetrySettings) =>
  meta.backOffPolicy === undefined && meta.backOffDuration !== undefined;
