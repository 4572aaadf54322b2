/** The subscribing half of pub/sub between a bus and an app that a test plays. */
import type { AppChannel } from "../../runtime/contracts/app-channel.ts";
import type { MetadataItem } from "../../runtime/contracts/metadata.ts";
import { justRun, type Run } from "../../runtime/contracts/run.ts";
import type {
  BulkEvents,
  EventOutcome,
  Subscription,
  TopicEvent,
} from "../../runtime/contracts/subscription.ts";
import { createPubSubs } from "../../runtime/blocks/pubsub/pubsub.ts";
import { createSubscriptions } from "../../runtime/blocks/pubsub/subscriptions.ts";
import { messageOf } from "../../runtime/shared/message-of.ts";
import { waitFor } from "../wait-for.ts";
import { fakeBus, type FakeBusOptions } from "./fake-bus.ts";
import { recordingLog } from "./recording-log.ts";

export type Play = (event: TopicEvent) => EventOutcome | Promise<EventOutcome>;

export interface Setting extends FakeBusOptions {
  own?: Subscription[];
  declared?: Subscription[];
  play?: Play;
  playBulk?(events: BulkEvents): Promise<(EventOutcome | Error)[]>;
  metadata?: MetadataItem[];
  run?: Run;
  ringPauseMs?: number;
}

export const subscription = (
  more: Partial<Subscription> = {},
): Subscription => ({
  pubsub: "bus",
  topic: "orders",
  rules: [{ match: "", path: "/orders" }],
  metadata: {},
  origin: "PROGRAMMATIC",
  ...more,
});

export type Started = Awaited<ReturnType<typeof startSubscriptions>>;

export async function startSubscriptions(setting: Setting = {}) {
  const log = recordingLog();
  const bus = fakeBus(setting);
  const events: TopicEvent[] = [];
  const outcomes: string[] = [];
  let asked = 0;
  const listening = Promise.withResolvers<void>();
  const app = {
    async subscriptions() {
      asked++;
      return setting.own ?? [];
    },
    async deliverEvent(event: TopicEvent) {
      events.push(event);
      return setting.play?.(event) ?? "success";
    },
    deliverEvents: (bulk: BulkEvents) => setting.playBulk!(bulk),
    whenListening: (signal: AbortSignal) =>
      Promise.race([
        listening.promise,
        new Promise<never>((_, reject) =>
          signal.addEventListener("abort", () => reject(new Error("aborted"))),
        ),
      ]),
  } as unknown as AppChannel;
  const pubsubs = createPubSubs({ appId: "a", namespace: "ns", log });
  const subscriptions = createSubscriptions({
    appId: "a",
    pubsubs,
    app,
    asksApp: true,
    inbound: () => setting.run ?? justRun,
    onEvent: (pubsub, topic, outcome, status) =>
      outcomes.push(
        `${pubsub} ${topic} ${outcome}${status === outcome ? "" : ` as ${status}`}`,
      ),
    onBulk: () => {},
    ringPauseMs: setting.ringPauseMs,
    log,
  });
  pubsubs.add("bus", bus, setting.metadata ?? [], messageOf);
  if (setting.declared) await subscriptions.declare(setting.declared);
  subscriptions.startReading();
  const wanted = new Set(
    [...(setting.own ?? []), ...(setting.declared ?? [])].map(
      ({ topic }) => topic,
    ),
  );
  const read = () =>
    waitFor(
      "the topics to be read",
      () => bus.reading().length === wanted.size,
    );
  return {
    log,
    bus,
    events,
    outcomes,
    asked: () => asked,
    listen: () => listening.resolve(),
    pubsubs,
    subscriptions,
    read,
  };
}

export const event = (more: object = {}) => ({
  id: "1",
  source: "test",
  type: "t",
  specversion: "1.0",
  datacontenttype: "application/json",
  data: { n: 1 },
  ...more,
});
