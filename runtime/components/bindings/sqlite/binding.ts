/**
 * bindings.sqlite: topics, consumer groups and ordered partitions as
 * bindings.kafka has them, in one file that all sidecars of a machine share.
 */
import { randomUUID } from "node:crypto";
import { defineBinding } from "../../../contracts/binding.ts";
import type { BindingRequest } from "../../../contracts/binding.ts";
import type {
  Message,
  Deliver,
  StopReading,
} from "../../../contracts/delivery.ts";
import {
  MetadataError,
  list,
  text,
  type MetadataValues,
} from "../../../contracts/metadata.ts";
import { LogClient } from "../../clients/sqlite/broker/client.ts";
import { forcedPartition, partitionOf } from "../../clients/partitioner.ts";
import { startReading } from "../../clients/sqlite/broker/reader.ts";
import {
  brokerMetadata,
  checkSettings,
  fileMetadata,
  fileOf,
  fileOptions,
} from "../../clients/sqlite/broker/settings.ts";
import {
  deadLetterHeaders,
  deliverUntilTaken,
  retryMetadata,
  retryPolicy,
} from "../../retry.ts";
import { contentTypeIn, textOf } from "../../text-data.ts";
import { toMessage } from "./message.ts";

const metadata = {
  ...fileMetadata,
  topics: list("Topics to read from, comma-separated; none: no input."),
  publishTopic: text("Topic to write to; none: no output."),
  consumerGroup: text(
    "Readers of one group share the work, groups each get everything; absent: the app ID.",
  ),
  ...brokerMetadata,
  ...retryMetadata,
};

export const sqlite = defineBinding(
  "bindings.sqlite",
  metadata,
  async (context) => {
    const { name, appId, meta, directions } = context;
    const log = context.log.scope("dapr.contrib");
    const { publishTopic, topics = [], partitions, deadLetterTopic } = meta;
    checkMetadata(meta);

    const client = new LogClient(
      fileOf(context.items, meta.path),
      partitions,
      fileOptions(meta, ""),
    );
    const group = {
      group: meta.consumerGroup ?? appId,
      topics,
      partitions,
      start: meta.initialOffset,
    };
    let published = 0;
    try {
      if (publishTopic && directions.output)
        published = await client.topic(publishTopic);
      if (published > 0 && published !== partitions)
        log.warn(
          `topic ${publishTopic} already has ${published} partitions and keeps them`,
        );
      if (topics.length > 0 && directions.input) await client.register(group);
    } catch (error) {
      await client.close();
      throw error;
    }

    async function invoke({
      operation,
      data,
      metadata: headers,
    }: BindingRequest) {
      if (operation !== "create")
        throw new Error(
          `binding ${name} does not support operation ${operation}. supported operations:create`,
        );
      if (!publishTopic)
        throw new Error("sqlite error: missing 'publishTopic' attribute");
      const key = headers["partitionKey"] ?? headers["__key"];
      const partition =
        forcedPartition(headers["partitionNumber"], published, publishTopic) ??
        partitionOf(key, published);
      await client.append({
        topic: publishTopic,
        partition,
        key,
        headers,
        value: data && textOf(data, contentTypeIn(headers)),
      });
      return undefined;
    }

    async function deadLetter(
      message: Message,
      error: Error,
      tries: number,
    ): Promise<void> {
      const key = message.metadata["__key"];
      const count = await client.topic(deadLetterTopic!);
      await client.append({
        topic: deadLetterTopic!,
        partition: partitionOf(key, count),
        key,
        headers: deadLetterHeaders(message, error, tries),
        value: message.data,
      });
    }

    const active = new Set<StopReading>();

    async function read(deliver: Deliver): Promise<StopReading> {
      if (topics.length === 0) {
        log.warn(`binding ${name} has no topics to read from`);
        return async () => {};
      }
      const policy = retryPolicy(meta);
      const end = await startReading({
        client,
        options: {
          ...group,
          leaseMs: meta.sessionTimeout,
          member: randomUUID(),
        },
        handle([record], { topic, number, signal, hold }) {
          const message = toMessage(record!, topic, number);
          return deliverUntilTaken(
            `message ${record!.offset} of ${topic}/${number}`,
            message,
            {
              async deliver() {
                await hold();
                await deliver(message);
              },
              policy,
              deadLetter:
                deadLetterTopic === undefined
                  ? undefined
                  : (error, tries) => deadLetter(message, error, tries),
              log,
            },
            signal,
          );
        },
        log,
      });
      const stop = () => {
        active.delete(stop);
        return end();
      };
      active.add(stop);
      return stop;
    }

    async function close(): Promise<void> {
      await Promise.all([...active].map((stop) => stop()));
      await client.close();
    }

    return { operations: ["create"], invoke, read, close };
  },
  { check: ({ meta }) => checkMetadata(meta) },
);

/** Throws on what can't work. */
function checkMetadata(meta: MetadataValues<typeof metadata>): void {
  const { topics = [], publishTopic } = meta;
  if (topics.length === 0 && !publishTopic)
    throw new MetadataError(
      "sqlite error: missing 'topics' or 'publishTopic' attribute",
    );
  for (const property of ["publishTopic", "deadLetterTopic"] as const)
    if (meta[property]?.includes(","))
      throw new MetadataError(
        `sqlite error: metadata '${property}': a topic has no comma in its name, and this is one topic`,
      );
  checkSettings(meta);
}
