/** A Kafka record's way to the app, and to the dead-letter topic when it is given up. */
import type { Message, Deliver } from "../../../contracts/delivery.ts";
import type { Logger } from "../../../shared/log.ts";
import type { HandleRecord } from "../../clients/kafka/consumer/partition-queue.ts";
import type {
  KafkaRecord,
  OutgoingRecord,
} from "../../clients/kafka/protocol/record-batch.ts";
import { deliverUntilTaken, type RetryPolicy } from "../../retry.ts";

export interface DeliveryOptions {
  name: string;
  policy: RetryPolicy;
  log: Logger;
  deliver: Deliver;
  toMessage(topic: string, partition: number, record: KafkaRecord): Message;
  /** Writes to the dead-letter topic; absent if there is none. */
  deadLetter: ((record: OutgoingRecord) => Promise<void>) | undefined;
}

export function createDelivery(options: DeliveryOptions): HandleRecord {
  const { name, policy, log, deliver, deadLetter } = options;
  return async (topic, partition, record, signal) => {
    const done = await deliverUntilTaken(
      `kafka: component "${name}": record ${topic}/${partition} at offset ${record.offset}`,
      options.toMessage(topic, partition, record),
      {
        deliver,
        policy,
        log,
        deadLetter:
          deadLetter &&
          ((error, tries) =>
            deadLetter(letter(topic, partition, record, error, tries))),
      },
      signal,
    );
    if (done) return;
    // The delivery was called off, as the queue is about to end.
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    signal.throwIfAborted();
  };
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
