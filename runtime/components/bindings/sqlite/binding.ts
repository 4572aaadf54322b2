/**
 * bindings.sqlite: topics, consumer groups and ordered partitions as
 * bindings.kafka has them, in one file that all sidecars of a machine share.
 */
import { randomUUID } from "node:crypto";
import { dirname, resolve } from "node:path";
import { defineBinding } from "../../../contracts/binding.ts";
import type { BindingRequest } from "../../../contracts/binding.ts";
import type {
  Message,
  Deliver,
  StopReading,
} from "../../../contracts/delivery.ts";
import type { MetadataItem } from "../../../contracts/metadata.ts";
import {
  MetadataError,
  choice,
  duration,
  durationMs,
  list,
  number,
  size,
  text,
} from "../../../contracts/metadata.ts";
import { LogClient } from "../../clients/sqlite/broker/client.ts";
import { forcedPartition, partitionOf } from "../../clients/partitioner.ts";
import { deadLetterHeaders, retryMetadata, retryPolicy } from "../../retry.ts";
import { contentTypeIn, textOf } from "../../text-data.ts";
import { startReading } from "./reader.ts";

const metadata = {
  path: text(
    "The database file, on a local disk, none that a network or a VM shares; relative to the component's own file when written there, else to the working directory.",
    {
      default: ".dapr/embedded.db",
      aliases: ["connectionString"],
    },
  ),
  topics: list("Topics to read from, comma-separated; none: no input."),
  publishTopic: text("Topic to write to; none: no output."),
  consumerGroup: text(
    "Readers of one group share the work, groups each get everything; absent: the app ID.",
  ),
  initialOffset: choice(["oldest", "newest"])(
    "Where a new group starts: stored the first time it is seen, when its component opens, so nothing sent later is missed.",
    { default: "oldest" },
  ),
  partitions: number(
    "Partitions of a topic that is new, which keeps them. Order is kept in each: `1` keeps everything in sequence.",
    { default: 8 },
  ),
  synchronous: choice(["full", "normal"])(
    "`full`: what was answered with success survives a power cut; `normal`: a killed process only.",
    { default: "full" },
  ),
  maxSize: size(
    "Size of the file above which messages are refused; what everyone has taken is deleted first.",
    {
      default: 2 ** 30,
    },
  ),
  retention: duration(
    "How long messages are kept that every group has taken; without any group, all messages.",
    {
      default: 24 * 3_600_000,
    },
  ),
  retainMessages: number("At most so many of these are kept per partition.", {
    default: 100_000,
  }),
  sessionTimeout: durationMs(
    "How long a reader that has stalled keeps its partitions; those of a dead process are free within a second.",
    { default: 10_000 },
  ),
  ...retryMetadata,
};

export const sqlite = defineBinding(
  "bindings.sqlite",
  metadata,
  async (context) => {
    const { name, appId, meta, directions } = context;
    const log = context.log.scope("dapr.contrib");
    const { publishTopic, topics = [], partitions, deadLetterTopic } = meta;
    if (topics.length === 0 && !publishTopic)
      throw new MetadataError(
        "sqlite error: missing 'topics' or 'publishTopic' attribute",
      );
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > 1024)
      throw new MetadataError(
        `sqlite error: metadata 'partitions': ${partitions} is not 1 to 1024`,
      );
    if (meta.sessionTimeout < 500 || meta.sessionTimeout > 300_000)
      throw new MetadataError(
        "sqlite error: metadata 'sessionTimeout': use 500ms to 5m",
      );
    if (meta.path.includes(":memory:"))
      throw new MetadataError(
        "sqlite error: metadata 'path': a file is needed, sidecars share it",
      );

    const client = new LogClient(fileOf(context.items, meta.path), partitions, {
      fullSync: meta.synchronous === "full",
      maxSizeBytes: meta.maxSize,
      maxAgeMs: meta.retention,
      maxCount: meta.retainMessages,
    });
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
        policy,
        deliver,
        deadLetter: deadLetterTopic ? deadLetter : undefined,
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
);

/** A relative path starts at the component's file, so that sidecars started in different folders share one database. */
function fileOf(items: readonly MetadataItem[], path: string): string {
  const item = items.find(({ name }) =>
    /^(path|connectionString)$/i.test(name),
  );
  // A component from a cluster has no file.
  const folder = item?.at && item.at.line > 0 ? dirname(item.at.file) : ".";
  return resolve(folder, path.replace(/^file:/, ""));
}
