/** Publisher's sidecar → broker → sidecars of one app or several, each with its app. A drill may end each of these processes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import type { OrderAppTask, TakenOrder } from "../support/order-app.ts";
import { createOrderApp, type OrderApp } from "../support/order-process.ts";
import {
  sendOrders,
  type SendOptions,
  type Sending,
} from "../support/order-sender.ts";
import { freePorts } from "../support/ports.ts";
import { waitFor } from "../wait-for.ts";

/** Orders with the same remainder have the same key, and on Kafka a partition of their own. */
export const keys = 8;

/** The broker on which the drills run. */
export interface Bus {
  name: "kafka" | "redis";
  /** The component `bus`. What a dead reader had comes again within a few seconds. */
  component(metadata?: Record<string, string>): string;
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** A sidecar that subscribes, and its app. */
export interface Subscriber {
  group: string;
  app: OrderApp;
  sidecar: Daprd;
  /** Starts a new sidecar in place of the last one. */
  startSidecar(): Promise<void>;
}

export interface SubscriberOptions {
  app?: Partial<OrderAppTask>;
  metadata?: Record<string, string>;
  /** More of the subscription to the orders. */
  subscription?: Record<string, unknown>;
  /** The app also subscribes to this topic, at /dead. */
  deadLetters?: string;
  /** More resources of the sidecar: file name → text. */
  resources?: Record<string, string>;
}

export interface TopicFlow {
  topic: string;
  publisher: Daprd;
  /** Publishes numbered orders, each until it is acknowledged, and those of a key one after the other. */
  publish(count: number, more?: Partial<SendOptions>): Sending;
  /** Starts an app and its sidecar. Those of a group have the same app ID. */
  subscribe(group: string, options?: SubscriberOptions): Promise<Subscriber>;
  /** What the apps of a group were given, in that order over all of them. */
  taken(group: string): TakenOrder[];
  /** The orders that they answered with 200. */
  accepted(group: string): TakenOrder[];
  /** Waits until the group has taken every acknowledged order. */
  arrived(group: string, sending: Sending): Promise<void>;
}

let cleanups: (() => Promise<unknown> | void)[] = [];

/** For afterEach: ends everything that a test left. */
export async function endTopicFlows(): Promise<void> {
  await stopAll();
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
}

export async function openTopicFlow(bus: Bus): Promise<TopicFlow> {
  const folder = mkdtempSync(join(tmpdir(), "daprd-topics-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const topic = `orders-${process.pid}-${Date.now()}`;
  const appsOf = new Map<string, OrderApp>();
  const publisher = await startDaprd({
    appId: "publisher",
    resources: { "bus.yaml": bus.component() },
  });
  const taken = (group: string) => appsOf.get(group)!.taken();
  const accepted = (group: string) =>
    taken(group).filter(
      ({ status, path }) => status === 200 && path === "/orders",
    );
  return {
    topic,
    publisher,
    publish: (count, more = {}) =>
      sendOrders({
        port: () => publisher.port,
        count,
        partitions: keys,
        request: (data, key) => ({
          path: `/v1.0/publish/bus/${topic}?metadata.partitionKey=key-${key}&metadata.partitionNumber=${key}`,
          body: JSON.stringify(data),
        }),
        ...more,
      }),
    async subscribe(group, options = {}) {
      const [port] = (await freePorts(1)) as [number];
      const app = createOrderApp({
        port,
        file: join(folder, group),
        subscriptions: [
          {
            pubsubname: "bus",
            topic,
            route: "/orders",
            ...(options.deadLetters && {
              deadLetterTopic: options.deadLetters,
            }),
            ...options.subscription,
          },
          ...(options.deadLetters
            ? [
                {
                  pubsubname: "bus",
                  topic: options.deadLetters,
                  route: "/dead",
                },
              ]
            : []),
        ],
        ...options.app,
      });
      cleanups.push(() => app.kill());
      // They append to one file, so the first one reads for all.
      if (!appsOf.has(group)) appsOf.set(group, app);
      const subscriber: Subscriber = {
        group,
        app,
        sidecar: undefined as unknown as Daprd,
        async startSidecar() {
          subscriber.sidecar = await startDaprd({
            appId: `${group}-${topic}`,
            appPort: port,
            until: "ready",
            resources: {
              "bus.yaml": bus.component(options.metadata),
              ...options.resources,
            },
          });
        },
      };
      await app.start();
      await subscriber.startSidecar();
      return subscriber;
    },
    taken,
    accepted,
    async arrived(group, sending) {
      const missing = () => {
        const there = new Set(accepted(group).map(({ order }) => order));
        return [...sending.acked].filter((order) => !there.has(order));
      };
      await waitFor("the orders", () => missing().length === 0).catch(
        (cause) => {
          const orders = missing();
          throw new Error(
            `${orders.length} of ${sending.acked.size} acknowledged orders did not reach ${group}, such as ${orders.slice(0, 10).join(", ")}`,
            { cause },
          );
        },
      );
    },
  };
}

/** The orders that came for the first time after a later one of their key. */
export function outOfOrder(taken: TakenOrder[]): number[] {
  const last = new Map<number, number>();
  const seen = new Set<number>();
  return taken
    .filter(({ order }) => {
      if (seen.has(order)) return false;
      seen.add(order);
      const before = last.get(order % keys) ?? -1;
      last.set(order % keys, Math.max(order, before));
      return order < before;
    })
    .map(({ order }) => order);
}
