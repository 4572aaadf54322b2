/**
 * pubsub.sqlite: topics, consumer groups and ordered partitions in one file that
 * all sidecars of a machine share (docs/pubsub-sqlite.md).
 */
import { randomUUID } from "node:crypto";
import type { StopReading } from "../../../contracts/delivery.ts";
import { text } from "../../../contracts/metadata.ts";
import {
  definePubSub,
  type BulkLimits,
  type HandleBulk,
} from "../../../contracts/pubsub.ts";
import {
  LogClient,
  type NewMessage,
} from "../../clients/sqlite/broker/client.ts";
import { startReading } from "../../clients/sqlite/broker/reader.ts";
import {
  brokerMetadata,
  checkSettings,
  fileMetadata,
  fileOf,
  fileOptions,
} from "../../clients/sqlite/broker/settings.ts";
import { redeliveryMetadata, retryPolicy } from "../../retry.ts";
import { deliverTo } from "./deliver.ts";
import { space, storedTopic, toStored } from "./message.ts";

const metadata = {
  ...fileMetadata,
  consumerID: text(
    "The consumer group: sidecars with the same one share the messages, each other one gets all; absent: the app ID.",
  ),
  ...brokerMetadata,
  ...redeliveryMetadata,
};

const oneByOne: BulkLimits = { maxMessages: 1, maxAwaitMs: 0 };

export const sqlite = definePubSub(
  "pubsub.sqlite",
  metadata,
  async ({ appId, meta, items, log }) => {
    checkSettings(meta);
    const client = new LogClient(
      fileOf(items, meta.path),
      meta.partitions,
      fileOptions(meta, space),
    );
    try {
      await client.open();
    } catch (error) {
      await client.close();
      throw error;
    }
    const policy = retryPolicy(meta);
    const active = new Set<StopReading>();
    const partitions = new Map<string, Promise<number>>();

    function partitionsOf(topic: string): Promise<number> {
      let found = partitions.get(topic);
      if (!found) {
        found = client.topic(storedTopic(topic));
        partitions.set(topic, found);
        found.catch(() => partitions.delete(topic)); // the next message asks again
      }
      return found;
    }

    async function read(
      topic: string,
      limits: BulkLimits,
      handle: HandleBulk,
    ): Promise<StopReading> {
      const end = await startReading({
        client,
        options: {
          group: meta.consumerID ?? appId,
          topics: [storedTopic(topic)],
          partitions: meta.partitions,
          start: meta.initialOffset,
          leaseMs: meta.sessionTimeout,
          member: randomUUID(),
        },
        limits,
        handle: deliverTo(handle, policy, log),
        log,
      });
      const stop = () => end().finally(() => active.delete(stop));
      active.add(stop);
      return stop;
    }

    return {
      features: ["MESSAGE_TTL"],
      async publish(request) {
        const count = await partitionsOf(request.topic);
        await client.append(toStored(request.topic, request, count));
      },
      async publishBulk(topic, entries) {
        const errors: (Error | undefined)[] = entries.map(() => undefined);
        const good = new Map<number, NewMessage>();
        try {
          const count = await partitionsOf(topic);
          for (const [n, entry] of entries.entries())
            try {
              good.set(n, toStored(topic, entry, count));
            } catch (error) {
              errors[n] = error as Error;
            }
          await client.appendAll([...good.values()]);
          return errors;
        } catch (error) {
          return errors.map((own) => own ?? (error as Error));
        }
      },
      subscribe: ({ topic }, handle) =>
        read(topic, oneByOne, async ([message]) => {
          await handle(message!);
          return [];
        }),
      subscribeBulk: ({ topic }, limits, handle) => read(topic, limits, handle),
      async close() {
        await Promise.all([...active].map((stop) => stop()));
        await client.close();
      },
    };
  },
  { check: ({ meta }) => checkSettings(meta) },
);
