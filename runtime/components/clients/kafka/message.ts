/** Translates between what the API and the app see and Kafka's records. */
import type { Message } from "../../../contracts/delivery.ts";
import type { OutgoingMessage } from "./producer/partition-buffer.ts";
import type { KafkaRecord } from "./protocol/record-batch.ts";
import {
  contentTypeIn,
  contentTypeKey,
  isContentType,
  textOf,
} from "../../text-data.ts";

const nullValue = Buffer.from("null");

/**
 * Each entry of the request's metadata becomes a header. Three of them also say
 * where the record goes, and `content-type` says how a JSON string is stored.
 */
export function toRecord(
  data: Uint8Array | undefined,
  metadata: Record<string, string>,
  stringsAsText: boolean,
): OutgoingMessage {
  const key = metadata["partitionKey"] ?? metadata["__key"];
  return {
    key: key ? Buffer.from(key) : undefined,
    value:
      data &&
      asBuffer(stringsAsText ? textOf(data, contentTypeIn(metadata)) : data),
    headers: Object.entries(metadata).map(([name, value]) => [
      name,
      Buffer.from(value),
    ]),
    timestamp: Date.now(),
    partition: forcedPartition(metadata["partitionNumber"]),
  };
}

function forcedPartition(text: string | undefined): number | undefined {
  if (!text) return undefined;
  if (!/^-?\d{1,9}$/.test(text))
    throw new Error(
      `kafka error: partitionNumber "${text}" is not a whole number`,
    );
  // As in the original, a partition below 0 means: not forced.
  return Number(text) < 0 ? undefined : Number(text);
}

/** The metadata that the app gets with a record. The record's headers win over `__key` and the like. */
export function toMessage(
  topic: string,
  partition: number,
  record: KafkaRecord,
  meta: {
    escapeHeaders: boolean;
    excludeHeaderMetaRegex: RegExp | undefined;
    contentType: string | undefined;
  },
): Message {
  const shown = meta.escapeHeaders ? queryEscape : (text: string) => text;
  // Without a prototype, so that a header may have any name.
  const metadata: Record<string, string> = Object.create(null);
  if (record.key && record.key.length > 0)
    metadata["__key"] = shown(record.key.toString());
  metadata["__topic"] = topic;
  metadata["__partition"] = String(partition);
  metadata["__offset"] = String(record.offset);
  metadata["__timestamp"] = String(record.timestamp);
  for (const [name, value] of record.headers)
    if (!meta.excludeHeaderMetaRegex?.test(name))
      metadata[name] = isContentType(name)
        ? value.toString()
        : shown(value.toString());
  if (meta.contentType) {
    const own = contentTypeKey(metadata);
    if (own !== undefined) delete metadata[own];
    metadata["content-type"] = meta.contentType;
  }
  return { data: record.value ?? nullValue, metadata };
}

/** Go's url.QueryEscape: a blank becomes +, and all but letters, digits and -_.~ is escaped. */
function queryEscape(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(
      /[!'()*]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
    )
    .replaceAll("%20", "+");
}

const asBuffer = (data: Uint8Array) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);
