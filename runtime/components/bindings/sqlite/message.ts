/** The message that the app gets for a record. */
import type { Message } from "../../../contracts/delivery.ts";
import type { Received } from "../../clients/sqlite/broker/partition-queue.ts";

const nullText = Buffer.from("null");

/** As in the Kafka binding: place and time first, then the message's headers, which win. */
export const toMessage = (
  record: Received,
  topic: string,
  partition: number,
): Message => ({
  data: record.value ?? nullText,
  metadata: {
    ...(record.key === null ? {} : { __key: record.key }),
    __topic: topic,
    __partition: String(partition),
    __offset: String(record.offset),
    __timestamp: String(record.createdAtMs),
    ...(record.headers === null
      ? {}
      : (JSON.parse(record.headers) as { [name: string]: string })),
  },
});
