/**
 * pubsub.redis: a stream for each topic, read by a consumer group
 * (docs/protocol/redis.md). The original and this one read what the other writes, also in one group.
 */
import {
  durationMs,
  MetadataError,
  number,
  parseMetadata,
  text,
  type MetadataValues,
} from "../../../contracts/metadata.ts";
import type { StopReading } from "../../../contracts/delivery.ts";
import {
  definePubSub,
  type BulkLimits,
  type HandleBulk,
} from "../../../contracts/pubsub.ts";
import { openRedis, type RedisArgument } from "../../clients/redis/client.ts";
import { redisMetadata, redisServer } from "../../clients/redis/settings.ts";
import { silent } from "../../clients/redis/silent.ts";
import { redeliveryMetadata, retryPolicy } from "../../retry.ts";
import { toFields } from "./entries.ts";
import { explained, groupOf, isGone } from "./group.ts";
import { createReader, type Reader } from "./reader.ts";
import { readTopic, type ReadTopic } from "./topic.ts";
import { createWorkers } from "./workers.ts";

const metadata = {
  ...redisMetadata,
  consumerID: text("The consumer group; absent: the app's ID."),
  consumeRetryEnabled: redeliveryMetadata.consumeRetryEnabled,
  processingTimeout: durationMs(
    "A message that nobody has worked on for so long comes again; 0: never.",
    { default: 60_000 },
  ),
  redeliverInterval: durationMs(
    "How often such messages are looked for; 0: never.",
    { default: 15_000 },
  ),
  queueDepth: number("How many messages are read ahead.", { default: 100 }),
  concurrency: number("How many messages the app works on at once.", {
    default: 10,
  }),
  maxLenApprox: number(
    "About how many messages a stream keeps; older ones are deleted, also unread ones.",
  ),
  streamTTL: durationMs(
    "About how long a stream keeps messages, also unread ones; maxLenApprox wins.",
  ),
};

const oneByOne: BulkLimits = { maxMessages: 1, maxAwaitMs: 0 };

export const redis = definePubSub(
  "pubsub.redis",
  metadata,
  async ({ name, appId, meta, log }) => {
    const server = redisServer(meta, log);
    checkMetadata(meta);
    const groupName = meta.consumerID || appId;
    const isCluster = server.kind === "cluster";
    const redelivery =
      meta.processingTimeout > 0 && meta.redeliverInterval > 0
        ? { idleMs: meta.processingTimeout, everyMs: meta.redeliverInterval }
        : undefined;
    const client = await openRedis({
      server,
      log,
      kind: "redis streams",
      prepare: async () => {},
    });
    const group = groupOf(client, groupName, meta.processingTimeout);
    const workers = createWorkers(meta.concurrency, meta.queueDepth);
    const policy = {
      ...retryPolicy(parseMetadata(redeliveryMetadata, [])),
      enabled: meta.consumeRetryEnabled ?? true,
    };
    /** Undefined while it is being prepared. */
    const topics = new Map<string, ReadTopic | undefined>();
    let isClosed = false;
    /** One for all topics; in a cluster one for each, as they are on different servers. */
    const readers = new Map<string, Reader>();
    const owner = `redis: component "${name}"`;

    async function renew(names: readonly string[]): Promise<void> {
      for (const topic of names)
        try {
          if (await group.ensure(topic))
            log.warn(
              `${owner}: topic "${topic}": its group "${groupName}" was gone, deleted or lost by the server: it is made anew and begins at the first message`,
            );
        } catch (error) {
          log.debug(`${owner}: ${(error as Error).message}`);
        }
    }

    let told: string | undefined;
    const makeReader = () =>
      createReader({
        open: (hello) => openRedis({ server, log: silent, prepare: hello }),
        async unblock(id) {
          // A cluster has connections to several servers, each with numbers of its own.
          if (isCluster) return;
          await client
            .call("CLIENT", "UNBLOCK", id)
            .catch((error: Error) =>
              log.debug(`${owner}: CLIENT UNBLOCK: ${error.message}`),
            );
        },
        group: groupName,
        // Well within the time after which a silent connection is given up.
        blockMs: Math.max(
          1,
          Math.min(5000, Math.floor((server.answerTimeoutMs ?? 10_000) / 2)),
        ),
        async room(signal) {
          await workers.hasRoom(signal);
          return workers.room;
        },
        take: (topic, entries) => topics.get(topic)?.take(entries),
        async answered(names, error) {
          if (!error) told = undefined;
          else if (isGone(error)) await renew(names);
          else if (error.message !== told) {
            told = error.message;
            log.warn(`${owner}: reading, and trying again: ${told}`);
          }
        },
      });

    async function subscribe(
      topic: string,
      limits: BulkLimits,
      deliver: HandleBulk,
    ): Promise<StopReading> {
      await topics.get(topic)?.ending;
      if (isClosed) throw new Error(`redis at ${server.at} is closed`);
      if (topics.has(topic))
        throw new Error(`${owner}: topic "${topic}" is read already`);
      const place = isCluster ? topic : "";
      const reader = readers.get(place) ?? makeReader();
      readers.set(place, reader);
      topics.set(topic, undefined);
      try {
        const reading = await readTopic({
          topic,
          where: `${owner}: topic "${topic}"`,
          group,
          reader,
          workers,
          limits,
          deliver,
          policy,
          redelivery,
          renew: () => renew([topic]),
          log,
        });
        topics.set(topic, reading);
        return async () => {
          await reading.stop();
          if (topics.get(topic) !== reading) return;
          topics.delete(topic);
          if (isCluster) readers.delete(place);
        };
      } catch (error) {
        topics.delete(topic);
        throw error;
      }
    }

    const { maxLenApprox = 0, streamTTL = 0 } = meta;
    /** What of a stream may be deleted as something is added. */
    const trim = (): RedisArgument[] =>
      maxLenApprox > 0
        ? ["MAXLEN", "~", maxLenApprox]
        : streamTTL > 0
          ? ["MINID", "~", `${Math.max(0, Date.now() - streamTTL)}-1`]
          : [];
    const add = (
      topic: string,
      data: Uint8Array,
      own: Record<string, string>,
    ): Promise<unknown> =>
      client
        .change("XADD", topic, ...trim(), "*", ...toFields(data, own))
        .catch((error: unknown) => {
          throw explained(topic, error);
        });

    return {
      features: [],
      publish: async (request) =>
        void (await add(request.topic, request.data, request.metadata)),
      publishBulk: (topic, entries) =>
        Promise.all(
          entries.map(({ data, metadata }) =>
            add(topic, data, metadata).then(
              () => undefined,
              (error: Error) => error,
            ),
          ),
        ),
      subscribe: ({ topic }, handle) =>
        subscribe(topic, oneByOne, async ([message]) => [
          await handle(message!).then(
            () => undefined,
            (error: Error) => error,
          ),
        ]),
      subscribeBulk: ({ topic }, limits, handle) =>
        subscribe(topic, limits, handle),
      async close() {
        isClosed = true;
        await Promise.all([...topics.values()].map((one) => one?.stop()));
        await client.close();
      },
    };
  },
  {
    check: ({ meta, log }) => {
      redisServer(meta, log);
      checkMetadata(meta);
    },
  },
);

/** Throws a {@link MetadataError} for a number that makes no sense. */
function checkMetadata(meta: MetadataValues<typeof metadata>): void {
  for (const [property, least] of [
    ["queueDepth", 1],
    ["concurrency", 1],
    ["maxLenApprox", 0],
  ] as const) {
    const value = meta[property] ?? least;
    if (!Number.isInteger(value) || value < least)
      throw new MetadataError(
        `metadata '${property}': "${value}" is not a whole number of at least ${least}`,
        undefined,
        property,
      );
  }
}
