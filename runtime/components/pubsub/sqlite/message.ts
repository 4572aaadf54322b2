/** Translates between what is published, what is stored and what a subscription gets. */
import type {
  BulkEntry,
  PublishRequest,
  TopicMessage,
} from "../../../contracts/pubsub.ts";
import type { NewMessage } from "../../clients/sqlite/broker/client.ts";
import type { Received } from "../../clients/sqlite/broker/partition-queue.ts";
import { forcedPartition, partitionOf } from "../../clients/partitioner.ts";

/** What the topics of message buses begin with in the file: a binding's topic has no comma. */
export const space = "pubsub,";
export const storedTopic = (topic: string): string => space + topic;
const publishedTopic = (stored: string): string => stored.slice(space.length);

/** Where the content type is kept, among the metadata. */
const contentTypeHeader = "__contentType";

/** The message as it is stored. Throws on metadata that can't be followed. */
export function toStored(
  topic: string,
  { data, contentType, metadata }: PublishRequest | BulkEntry,
  partitions: number,
): NewMessage {
  ttlMs(metadata);
  const key = metadata["partitionKey"] || metadata["__key"] || undefined;
  return {
    topic: storedTopic(topic),
    partition:
      forcedPartition(metadata["partitionNumber"], partitions, topic) ??
      partitionOf(key, partitions),
    key,
    headers: { ...metadata, [contentTypeHeader]: contentType },
    value: data,
  };
}

/** How long a message lives, in milliseconds, if its metadata say so. */
function ttlMs(metadata: Record<string, string>): number | undefined {
  const { ttlInSeconds } = metadata;
  if (ttlInSeconds === undefined) return undefined;
  if (!/^\d{1,12}$/.test(ttlInSeconds) || Number(ttlInSeconds) === 0)
    throw new Error(
      `sqlite error: metadata 'ttlInSeconds': "${ttlInSeconds}" is not a whole number of seconds above 0`,
    );
  return Number(ttlInSeconds) * 1000;
}

/** A message on its way to a subscription, and when it is no longer wanted. */
export interface Delivery {
  message: TopicMessage;
  expiresAtMs: number;
}

/** Its own place wins over metadata of the same name: a dead letter has that of its first place. */
export function toDelivery(
  { value, key, headers, offset, createdAtMs }: Received,
  stored: string,
  partition: number,
): Delivery {
  const topic = publishedTopic(stored);
  const { [contentTypeHeader]: contentType, ...kept } = JSON.parse(
    headers ?? "{}",
  ) as Record<string, string>;
  return {
    expiresAtMs: createdAtMs + (ttlMs(kept) ?? Infinity),
    message: {
      topic,
      data: value ?? new Uint8Array(),
      ...(contentType === undefined ? {} : { contentType }),
      metadata: {
        ...kept,
        ...(key === null ? {} : { __key: key }),
        __topic: topic,
        __partition: String(partition),
        __offset: String(offset),
        __timestamp: String(createdAtMs),
      },
    },
  };
}
