/** A Kafka record's way to the app, and to the dead-letter topic when it is given up. */
import type { Message } from "../../../contracts/delivery.ts";
import type { Logger } from "../../../shared/log.ts";
import {
  deliverUntilTaken,
  type RetryPolicy,
  type RetryWords,
} from "../../retry.ts";
import type { TopicHandler } from "./consumer/partition-queue.ts";
import type { KafkaRecord, OutgoingRecord } from "./protocol/record-batch.ts";

export interface DeliveryOptions {
  /** The component's. */
  name: string;
  topic: string;
  policy: RetryPolicy;
  log: Logger;
  words?: RetryWords;
  /** Rejects if the app does not take it. */
  deliver(message: Message): Promise<unknown>;
  toMessage(partition: number, record: KafkaRecord): Message;
  /** Writes to the dead-letter topic; absent if there is none. */
  deadLetter?: ((record: OutgoingRecord) => Promise<void>) | undefined;
}

/** Handles each record by itself. */
export function deliverEach(options: DeliveryOptions): TopicHandler {
  const { name, topic, policy, log, words, deadLetter } = options;
  return {
    async handle(partition, records, signal, done) {
      for (const [at, record] of records.entries()) {
        const message = options.toMessage(partition, record);
        const taken = await deliverUntilTaken(
          `kafka: component "${name}": record ${topic}/${partition} at offset ${record.offset}`,
          message,
          {
            deliver: options.deliver,
            policy,
            log,
            ...words,
            deadLetter:
              deadLetter &&
              ((error, tries) =>
                deadLetter(letter(topic, partition, record, error, tries))),
          },
          signal,
        );
        if (!taken) await queueEnd(signal);
        done(at + 1);
      }
    },
  };
}

/** After a delivery that was called off: rejects as the queue ends, which it is about to do. */
export async function queueEnd(signal: AbortSignal): Promise<never> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  throw signal.reason;
}

/** The record as it was, with headers that say where it came from and why it was given up. */
function letter(
  topic: string,
  partition: number,
  { key, value, headers, timestamp, offset }: KafkaRecord,
  error: Error,
  tries: number,
): OutgoingRecord {
  const about = {
    "dead-letter-topic": topic,
    "dead-letter-partition": String(partition),
    "dead-letter-offset": String(offset),
    "dead-letter-tries": String(tries),
    "dead-letter-error": error.message,
  };
  return {
    key,
    value,
    timestamp,
    headers: [
      ...headers,
      ...Object.entries(about).map(([header, text]): [string, Buffer] => [
        header,
        Buffer.from(text),
      ]),
    ],
  };
}
