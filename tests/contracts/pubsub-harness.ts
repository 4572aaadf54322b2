/** The set-up of the message bus contract's cases: components, subscriptions and processes, which are ended after each test. */
import type { StopReading } from "../../runtime/contracts/delivery.ts";
import type { Handle, PubSub } from "../../runtime/contracts/pubsub.ts";
import { waitFor } from "../wait-for.ts";
import { collectBy, newTopic, publish } from "./bus-calls.ts";
import { openPubSub } from "./open-component.ts";
import type { PubSubTask } from "./pubsub-process.ts";
import { startProcess } from "./start-process.ts";

/** What not every bus has. */
export type Trait =
  /** Messages outlive the process, and a group's place in them does. */
  | "durable"
  /** Components with one `consumerID` share the messages, with two both get all. */
  | "groups"
  /** Messages with one key, metadata `partitionKey`, keep their order. */
  | "order"
  /** A publisher's metadata come out with its message. */
  | "metadata"
  /** So does the content type. */
  | "contentType";

export interface PubSubSetup {
  /** Metadata of a component that nobody has used yet. What was published before its first subscription need not arrive. */
  metadata: Record<string, string>;
  /** Metadata that `open` refuses, and the error. */
  bad: { metadata: Record<string, string>; error: string | RegExp }[];
  /** Metadata of a message that can't be published, and the error, if there are any. */
  badEntry?: { metadata: Record<string, string>; error: string | RegExp };
  /** Takes the broker away, if that can be done; `error` is what a message is then refused with. */
  outage?: {
    begin(): Promise<void>;
    end(): Promise<void>;
    error: RegExp;
    /** A component may be opened, and a topic subscribed to, before the broker is there. */
    mayBeLate?: boolean;
  };
  dispose?(): Promise<void>;
}

export interface PubSubContract {
  has: readonly Trait[];
  /** A message that is refused holds up all that come after it. */
  isSerial?: boolean;
  /** Names of topics that are unusual and allowed. */
  oddTopics: readonly string[];
  makeSetup(): Promise<PubSubSetup>;
}

export type PubSubHarness = ReturnType<typeof makePubSubHarness>;

export function makePubSubHarness(
  type: string,
  { has, makeSetup, isSerial = false }: PubSubContract,
) {
  let setup: PubSubSetup;
  let cleanups: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    setup = await makeSetup();
  });
  afterEach(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
    cleanups = [];
    await setup.dispose?.();
  });

  const open = async (extra: Record<string, string> = {}, log?: string[]) => {
    const bus = await openPubSub(type, {
      metadata: { ...setup.metadata, ...extra },
      ...(log ? { log } : {}),
    });
    cleanups.push(() => bus.close());
    return bus;
  };
  /** `begin` subscribes. Its stop may be called again. */
  const keep = async (begin: Promise<StopReading>): Promise<StopReading> => {
    const stop = await begin;
    let stopped: Promise<void> | undefined;
    const once = () => (stopped ??= stop());
    cleanups.push(once);
    return once;
  };
  const subscribe = (bus: PubSub, topic: string, handle: Handle) =>
    keep(bus.subscribe({ topic, metadata: {} }, handle));
  /** Collects what arrives. */
  const collect = (bus: PubSub, topic: string) =>
    collectBy((handle) => subscribe(bus, topic, handle));
  const publishAll = async (
    bus: PubSub,
    topic: string,
    all: readonly string[],
    key = "one",
  ) => {
    for (const data of all)
      await publish(bus, topic, data, { partitionKey: key });
  };
  const start = (task: Partial<PubSubTask> & { topic: string }) => {
    const child = startProcess(
      { type, metadata: setup.metadata, role: "read", ...task },
      "pubsub-process.ts",
    );
    cleanups.push(() => child.kill());
    return child;
  };
  /** A test of the contract, for buses with these traits. */
  const check = (
    name: string,
    run: () => Promise<void>,
    ...needs: readonly Trait[]
  ) => {
    if (needs.every((trait) => has.includes(trait))) test(name, run);
  };

  return {
    type,
    isSerial,
    has: (trait: Trait) => has.includes(trait),
    setup: () => setup,
    newTopic,
    open,
    keep,
    subscribe,
    collect,
    publish,
    publishAll,
    until: (what: string, condition: () => unknown) => waitFor(what, condition),
    start,
    check,
  };
}
