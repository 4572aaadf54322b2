/**
 * The subscribing half of the pub/sub building block: which topics are read, for
 * whom, and when (docs/protocol/pubsub.md).
 */
import type { AppChannel } from "../../contracts/app-channel.ts";
import type {
  EventOutcome,
  Subscription,
  TopicEvent,
} from "../../contracts/subscription.ts";
import { where } from "../../shared/position.ts";
import { appTaker } from "./app-taker.ts";
import { askApp } from "./ask-app.ts";
import { pubsubErrors } from "./errors.ts";
import { ringOf } from "./dead-letter-ring.ts";
import { createHandOver, type HandOverOptions } from "./hand-over.ts";
import type { PubSubs } from "./pubsub.ts";
import { makeReady, type Ready } from "./ready.ts";
import type { TakerOptions } from "./takers.ts";
import { createTopics, keyOf } from "./topics.ts";
import { usualPubSub } from "./usual-pubsub.ts";

export interface SubscriptionsOptions extends Omit<HandOverOptions, "isRing"> {
  pubsubs: Pick<PubSubs, "component" | "components" | "onChange">;
  appId: string;
  app: AppChannel | undefined;
  /** False if the app is not to be asked for subscriptions of its own. */
  asksApp: boolean;
}

export interface StreamOptions {
  pubsub: string;
  topic: string;
  metadata: Record<string, string>;
  deadLetterTopic: string;
  /** Rejects with a DeliveryInterrupted if there will be no answer. */
  deliver(event: TopicEvent): Promise<EventOutcome>;
  /** Called when the sidecar ends, once all that came is answered. */
  onEnd(): void;
}

export type Subscriptions = ReturnType<typeof createSubscriptions>;

interface Following {
  /** Each new topic is read, or could not be at first. */
  tried: Promise<unknown>;
  /** What has to end has ended. */
  ended: Promise<unknown>;
}

export function createSubscriptions(options: SubscriptionsOptions) {
  const { pubsubs, app, log } = options;
  const topics = createTopics({
    pubsubs,
    log,
    handOver: createHandOver({
      ...options,
      isRing: (one) => !!ringOf(one, list()),
    }),
  });
  let declared: Ready[] = [];
  let declaredContent = "[]";
  /** The app's own, once it has answered. */
  let own: Ready[] | undefined;
  /** What is read for the app, by pubsub and topic. */
  const forApp = new Map<string, TakerOptions>();
  const streams = new Map<TakerOptions, () => void>();
  /** Aborts when the app's subscriptions are to be read no more. */
  let session: AbortController | undefined;
  let asking: Promise<void> | undefined;
  let isEnded = false;
  const told = new Set<string>();
  /** Rules are compiled one list after the other. */
  let declaring = Promise.resolve();

  const unlisten = pubsubs.onChange({
    added() {
      if (session) void begin(session.signal);
    },
    async removed() {},
  });

  /** Those that count: the app's own before declared ones, of each topic the first. */
  function effective(): Ready[] {
    const byTopic = new Map<string, Ready>();
    for (const ready of [...(own ?? []), ...declared]) {
      const key = keyOf(ready.subscription);
      if (!byTopic.has(key)) byTopic.set(key, ready);
    }
    return [...byTopic.values()];
  }

  /** The app is asked first: what it says takes the place of what is declared. Resolves once each topic was tried. */
  async function begin(signal: AbortSignal): Promise<void> {
    if (options.asksApp && pubsubs.components().length > 0)
      asking ??= ask(signal);
    await asking;
    if (!signal.aborted) await follow().tried;
  }

  async function ask(signal: AbortSignal): Promise<void> {
    const found = await askApp(app!, log, signal);
    if (!found) return;
    const mine = named(found);
    tellTwins(mine);
    own = await makeReady(mine, own ?? [], log);
    if (!signal.aborted) tellTopics();
  }

  /** Subscriptions that name only a topic get their component. */
  function named(found: readonly Subscription[]): Subscription[] {
    const names = pubsubs.components().map(({ name }) => name);
    return found.flatMap((one) => {
      const pubsub = one.pubsub || usualPubSub(names);
      if (pubsub) return [{ ...one, pubsub }];
      log.error(
        `the app subscribes to topic ${one.topic} without the name of a pubsub component, and there are several: ${names.join(", ")}; let it answer [{"pubsubname":…,"topic":"${one.topic}","route":…}]`,
      );
      return [];
    });
  }

  function tellTwins(list: readonly Subscription[]) {
    const first = new Map<string, Subscription>();
    for (const one of list) {
      const twin = first.get(keyOf(one));
      if (twin)
        log.warn(
          `topic ${one.topic} of pubsub ${one.pubsub} is subscribed to more than once: the first counts, with the path ${twin.rules.at(-1)?.path}${placeOf(twin)}, and not the one with ${one.rules.at(-1)?.path}${placeOf(one)}; a subscription can have several routes`,
        );
      else first.set(keyOf(one), one);
    }
  }

  function tellRing(one: Subscription) {
    const ring = ringOf(one, list());
    if (!ring) return;
    tellOnce(
      "warn",
      `the dead letters of topic ${one.topic} of pubsub ${one.pubsub} come back to it (${ring.join(" → ")}): what the app does not take comes again every second, for ever; give it a deadLetterTopic that leads elsewhere`,
      where(one.at) || whose[one.origin],
    );
  }

  function tellTopics() {
    const byPubSub = Map.groupBy(
      effective().filter(({ subscription: { pubsub, topic } }) =>
        pubsubs.component(pubsub)?.scopes.maySubscribe(topic),
      ),
      ({ subscription }) => subscription.pubsub,
    );
    for (const [pubsub, list] of byPubSub)
      log.info(
        `app is subscribed to the following topics: [[${list.map(({ subscription }) => subscription.topic).join(" ")}]] through pubsub=${pubsub}`,
      );
  }

  /** Begins and ends what is read for the app, as it is wanted now. */
  function follow(): Following {
    const wanted = new Map(
      (session ? effective() : [])
        .filter(isPossible)
        .map((ready) => [keyOf(ready.subscription), ready]),
    );
    const trying: Promise<void>[] = [];
    const ending: Promise<void>[] = [];
    for (const [key, ready] of wanted) {
      const now = forApp.get(key);
      if (now && contentOf(now) === contentOf(ready)) continue;
      const next = appTaker(app!, ready, log);
      forApp.set(key, next);
      trying.push(topics.add(next));
      if (now) ending.push(topics.remove(now));
    }
    for (const [key, now] of forApp)
      if (!wanted.has(key)) {
        forApp.delete(key);
        ending.push(topics.remove(now));
      }
    for (const { subscription } of forApp.values()) tellRing(subscription);
    return { tried: Promise.all(trying), ended: Promise.all(ending) };
  }

  function tellOnce(level: "warn" | "error", line: string, place: string) {
    if (!told.has(line)) log[level](place ? `${line} (${place})` : line);
    told.add(line);
  }

  /** All that count now, streams among them. */
  function list(): Subscription[] {
    return [...effective(), ...streams.keys()].map(
      ({ subscription }) => subscription,
    );
  }

  /** Tells once why a subscription waits. */
  function isPossible({ subscription }: Ready): boolean {
    const { pubsub, topic } = subscription;
    const found = pubsubs.component(pubsub);
    const place = where(subscription.at);
    const tell = (line: string) => tellOnce("error", line, place);
    if (!found)
      tell(
        `the subscription to topic ${topic} waits for pubsub ${pubsub}, which is not loaded; loaded are: ${
          pubsubs
            .components()
            .map(({ name }) => name)
            .join(", ") || "none"
        }`,
      );
    else if (!found.scopes.maySubscribe(topic)) tell(notAllowed(pubsub, topic));
    return found?.scopes.maySubscribe(topic) ?? false;
  }

  return {
    /** From now on these are declared. Resolves once they are acted upon. */
    declare(list: readonly Subscription[]): Promise<void> {
      // What is wrong in it has been told.
      const content = JSON.stringify(list);
      if (content === declaredContent) return declaring;
      declaredContent = content;
      declaring = declaring.then(async () => {
        tellTwins(list);
        declared = await makeReady(list, declared, log);
        // Before the app has said what it subscribes to itself, nothing is read.
        if (session && (own || !asking)) await follow().ended;
      });
      return declaring;
    },

    /** Reads for the app, which is asked anew. Called when it becomes healthy. Resolves once each topic is read, or could not be at first. */
    async startReading(): Promise<void> {
      if (!app || session || isEnded) return;
      session = new AbortController();
      const { signal } = session;
      await declaring;
      if (!signal.aborted) await begin(signal);
    },

    /** Reads for the app no more; resolves once what is in flight is done with. Streams go on. */
    async stopReading(): Promise<void> {
      session?.abort();
      session = undefined;
      asking = undefined;
      await follow().ended;
    },

    /** Reads nothing any more, for nobody. */
    async end(): Promise<void> {
      isEnded = true;
      unlisten();
      const ending = [...streams].map(async ([stream, onEnd]) => {
        await topics.remove(stream);
        onEnd();
      });
      await Promise.all([this.stopReading(), ...ending]);
      topics.close();
    },

    /**
     * Reads a topic for a stream, once it is read or could not be at first. Returns how to leave, which resolves once
     * nothing is in flight. Rejects if the component is not there, or the topic is not for this app.
     */
    async stream(wanted: StreamOptions): Promise<() => Promise<void>> {
      const { pubsub, topic, metadata, deadLetterTopic } = wanted;
      if (isEnded) throw new Error("the sidecar ends");
      const found = pubsubs.component(pubsub);
      if (!found) throw pubsubErrors(pubsub, options.appId).notFound({});
      if (!found.scopes.maySubscribe(topic))
        throw new Error(notAllowed(pubsub, topic));
      const taker: TakerOptions = {
        subscription: {
          pubsub,
          topic,
          metadata,
          rules: [{ match: "", path: "/" }],
          origin: "STREAMING",
          ...(deadLetterTopic ? { deadLetterTopic } : {}),
        },
        findPath: () => "/",
        deliver: wanted.deliver,
      };
      streams.set(taker, wanted.onEnd);
      tellRing(taker.subscription);
      await topics.add(taker);
      return async () => {
        streams.delete(taker);
        await topics.remove(taker);
      };
    },

    list,
  };
}

const whose: Record<Subscription["origin"], string> = {
  DECLARATIVE: "",
  PROGRAMMATIC: "the app's own list has it",
  STREAMING: "the app's stream has it",
};

const placeOf = ({ at }: Subscription) => (at ? ` (${where(at)})` : "");

const notAllowed = (pubsub: string, topic: string) =>
  `subscription to topic '${topic}' on pubsub '${pubsub}' is not allowed`;

/** By which a change is noticed, wherever it is written. */
const contentOf = ({ subscription }: Pick<Ready, "subscription">) =>
  JSON.stringify(subscription, (name, value) =>
    name === "at" ? undefined : (value as unknown),
  );
