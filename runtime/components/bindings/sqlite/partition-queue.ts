/** One partition's messages on their way to the app, and the metadata that the app gets with each. */
import type { Message } from "../../../contracts/delivery.ts";
import type { Stored } from "../../clients/sqlite/broker/log.ts";

interface Received extends Stored {
  value: Uint8Array | undefined;
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

  /** The next message, or nothing once the queue has ended. */
  async take(): Promise<Received | undefined> {
    while (!this.end.signal.aborted) {
      const record = this.#records[this.#at];
      if (record) {
        this.#at++;
        return record;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return undefined;
  }
}

export function unpack(rows: Stored[], data: Uint8Array): Received[] {
  let at = 0;
  return rows.map((row) => ({
    ...row,
    value: row.size < 0 ? undefined : data.subarray(at, (at += row.size)),
  }));
}

const nullText = Buffer.from("null");

/** As in the Kafka binding: place and time first, then the message's headers, which win. */
export function toMessage(
  record: Received,
  { topic, number }: PartitionQueue,
): Message {
  return {
    data: record.value ?? nullText,
    metadata: {
      ...(record.key === null ? {} : { __key: record.key }),
      __topic: topic,
      __partition: String(number),
      __offset: String(record.offset),
      __timestamp: String(record.createdAtMs),
      ...(record.headers === null
        ? {}
        : (JSON.parse(record.headers) as { [name: string]: string })),
    },
  };
}
