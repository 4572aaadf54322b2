/** The topics that are read: each once, however many take its events. */
import type { StopReading } from "../../contracts/delivery.ts";
import type {
  BulkLimits,
  Handle,
  HandleBulk,
  SubscribeRequest,
} from "../../contracts/pubsub.ts";
import { doublingBackoff } from "../../shared/backoff.ts";
import type { Logger } from "../../shared/log.ts";
import { watchOutage } from "../../shared/outage.ts";
import { createReadings } from "../reading/readings.ts";
import { gather } from "./gather.ts";
import type { NamedPubSub, PubSubs } from "./pubsub.ts";
import { Takers, type TakerOptions } from "./takers.ts";

export interface TopicsOptions {
  pubsubs: Pick<PubSubs, "component" | "onChange">;
  handOver(takers: Takers, named: NamedPubSub): HandleBulk;
  log: Logger;
}

/** One reading of a topic; when it has to be read in another way, another one takes its place. */
interface Reading {
  /** Of pubsub and topic: under one name one reading follows the other. */
  name: string;
  named: NamedPubSub;
  topic: string;
  request: SubscribeRequest;
  bulk: BulkLimits | undefined;
  takers: Takers;
  /** Resolves once it is read, or could not be at first. */
  tried: PromiseWithResolvers<void>;
}

interface Topic {
  pubsub: string;
  topic: string;
  wanted: Set<TakerOptions>;
  reading: Reading | undefined;
}

const firstPauseMs = 500;
const mostPauseMs = 30_000;

export type Topics = ReturnType<typeof createTopics>;

export function createTopics({ pubsubs, handOver, log }: TopicsOptions) {
  const topics = new Map<string, Topic>();
  const readings = createReadings<Reading>({
    read,
    onStopFailed: ({ named, topic }, error) =>
      log.error(
        `error stopping the subscription to topic ${topic} of pubsub ${named.name}: ${named.explain(error)}`,
      ),
  });
  const unlisten = pubsubs.onChange({
    added({ name }) {
      for (const topic of topics.values())
        if (topic.pubsub === name) void follow(topic);
    },
    async removed({ name }) {
      const own = [...topics].filter(([, { pubsub }]) => pubsub === name);
      for (const [, topic] of own) void follow(topic);
      await Promise.all(own.map(([key]) => readings.stopped(key)));
    },
  });

  /** Begins, changes or ends the reading, as it is wanted now. Resolves once what has to end has ended. */
  async function follow(topic: Topic): Promise<void> {
    const key = keyOf(topic);
    const now = topic.reading;
    const next = wantedReading(key, topic);
    if (now && next && isSame(now, next)) {
      for (const options of topic.wanted)
        if (!now.takers.has(options)) now.takers.add(options);
      return;
    }
    topic.reading = next;
    const stopped = now && readings.stop(now);
    if (next) void readings.start(next);
    else if (topic.wanted.size === 0) topics.delete(key);
    await stopped;
  }

  function wantedReading(name: string, topic: Topic): Reading | undefined {
    const named = pubsubs.component(topic.pubsub);
    const leader = leaderOf(topic.wanted);
    if (!named?.scopes.maySubscribe(topic.topic) || !leader) return undefined;
    const takers = new Takers();
    for (const options of topic.wanted) takers.add(options);
    const { metadata, bulk } = leader.subscription;
    return {
      name,
      named,
      topic: topic.topic,
      request: {
        topic: `${named.namespacePrefix}${topic.topic}`,
        metadata: { ...metadata },
      },
      bulk,
      takers,
      tried: Promise.withResolvers(),
    };
  }

  /** Tries without end: a broker that refuses now may have the topic later. */
  async function read(
    reading: Reading,
    starting: AbortSignal,
    holding: AbortSignal,
  ): Promise<StopReading | undefined> {
    const { named, topic, takers, tried } = reading;
    const backoff = doublingBackoff(firstPauseMs, mostPauseMs, 0.25);
    const outage = watchOutage(
      {
        found: (reason) =>
          log.error(
            `failed to subscribe to topic ${topic} of pubsub ${named.name}: ${reason}; trying again until it works`,
          ),
        over: () =>
          log.info(`subscribed to topic ${topic} of pubsub ${named.name}`),
      },
      { isNews: (reason, told) => reason !== told },
    );
    holding.addEventListener("abort", () => takers.end());
    while (!starting.aborted) {
      try {
        const stop = await subscribe(reading);
        outage.over();
        tried.resolve();
        return stop;
      } catch (error) {
        outage.found(named.explain(error));
        tried.resolve();
        await backoff.wait(starting);
      }
    }
    tried.resolve();
    return undefined;
  }

  function subscribe({
    named,
    request,
    bulk,
    takers,
  }: Reading): Promise<StopReading> {
    const { pubsub } = named;
    const handleBulk = handOver(takers, named);
    if (!bulk) return pubsub.subscribe(request, oneByOne(handleBulk));
    return pubsub.subscribeBulk
      ? pubsub.subscribeBulk(request, bulk, handleBulk)
      : pubsub.subscribe(request, gather(bulk, handleBulk));
  }

  return {
    /** Resolves once the topic is read for it, or could not be at first. */
    async add(options: TakerOptions): Promise<void> {
      const { pubsub, topic } = options.subscription;
      const key = keyOf({ pubsub, topic });
      const entry = topics.get(key) ?? {
        pubsub,
        topic,
        wanted: new Set(),
        reading: undefined,
      };
      topics.set(key, entry);
      entry.wanted.add(options);
      void follow(entry);
      await entry.reading?.tried.promise;
    },

    /** It gets no more; resolves once what it has is answered or handed back. */
    async remove(options: TakerOptions): Promise<void> {
      const entry = topics.get(keyOf(options.subscription));
      if (!entry?.wanted.delete(options)) return;
      const before = entry.reading;
      const stopped = follow(entry);
      if (entry.reading && entry.reading === before)
        await before.takers.remove(options);
      await stopped;
    },

    /** Follows components no more. */
    close: unlisten,
  };
}

const oneByOne =
  (handle: HandleBulk): Handle =>
  async (message) => {
    const [error] = await handle([message]);
    if (error) throw error;
  };

/** Whose subscription says how to read: the app's, if it takes part, else that of the first stream. */
function leaderOf(wanted: ReadonlySet<TakerOptions>): TakerOptions | undefined {
  const all = [...wanted];
  return (
    all.find(({ subscription }) => subscription.origin !== "STREAMING") ??
    all[0]
  );
}

const isSame = (one: Reading, other: Reading) =>
  one.named === other.named && contentOf(one) === contentOf(other);

const contentOf = ({ request, bulk }: Reading) =>
  JSON.stringify([request, bulk]);

export const keyOf = ({
  pubsub,
  topic,
}: Pick<Topic, "pubsub" | "topic">): string => JSON.stringify([pubsub, topic]);
