/** Producer → sidecar → broker → sidecar → app: five processes, any of which a drill may end. */
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

export const partitions = 8;
/** For drills that wait for a dead reader's session to end. Elsewhere a busy machine must not end the session of a living one. */
export const shortSessionMs = 2000;
const longSessionMs = 30_000;
/** Commits are 250 ms apart at most; the rest is for one on its way on a busy machine. */
export const uncommittedMs = 250 + 150;

/** Where the drills run; `components` gives the manifest for topics of their own. */
export interface Place {
  name: "embedded" | "kafka";
  component(
    topic: string,
    folder: string,
    metadata: Record<string, string>,
    name: string,
  ): string;
}

export interface Flow {
  app: OrderApp;
  producer: Daprd;
  consumer: Daprd;
  folder: string;
  /** Numbered orders through the producer's sidecar, whichever one that is just then. */
  send(count: number, more?: Partial<SendOptions>): Sending;
  /** Each `start…` begins a new sidecar in place of the last. */
  startProducer(): Promise<void>;
  startConsumer(): Promise<void>;
  /** Orders the app took with 200, in the order it took them. */
  accepted(): TakenOrder[];
  /** Waits until the app has taken every acknowledged order. */
  arrived(sending: Sending, timeoutMs?: number): Promise<void>;
}

export interface FlowOptions {
  app?: Partial<OrderAppTask>;
  metadata?: Record<string, string>;
  /** A reader without a sign of life for so long is out. */
  sessionMs?: number;
  /** Also reads the dead letters, at the app's /dead. */
  withDeadLetters?: boolean;
  consumerArgs?: string[];
  /** Starts neither sidecar; the drill does. */
  asleep?: boolean;
}

let cleanups: (() => Promise<unknown> | void)[] = [];

/** For afterEach. */
export async function endFlows(): Promise<void> {
  await stopAll();
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
}

export async function openFlow(
  place: Place,
  options: FlowOptions = {},
): Promise<Flow> {
  const folder = mkdtempSync(join(tmpdir(), "daprd-faults-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const topic = `orders-${process.pid}-${Date.now()}`;
  const [port] = (await freePorts(1)) as [number];
  const app = createOrderApp({
    port,
    file: join(folder, "taken"),
    ...options.app,
  });
  cleanups.push(() => app.kill());

  const shared = { publishTopic: topic, ...options.metadata };
  const reading = {
    ...shared,
    consumerGroup: topic,
    initialOffset: "oldest",
    sessionTimeout: `${options.sessionMs ?? longSessionMs}ms`,
  };
  const resources = (input: boolean) => ({
    "orders.yaml": input
      ? place.component(topic, folder, reading, "orders")
      : place.component(
          "",
          folder,
          { ...shared, direction: "output" },
          "orders",
        ),
    ...(input && options.withDeadLetters
      ? {
          "dead.yaml": place.component(
            options.metadata!.deadLetterTopic!,
            folder,
            {
              ...reading,
              consumerGroup: `${topic}-dead`,
              publishTopic: "",
              deadLetterTopic: "",
            },
            "dead",
          ),
        }
      : {}),
  });
  const sidecar = (input: boolean) =>
    startDaprd({
      appId: input ? "consumer" : "producer",
      resources: resources(input),
      ...(input ? { appPort: port, args: options.consumerArgs } : {}),
    });

  const flow: Flow = {
    app,
    producer: undefined as unknown as Daprd,
    consumer: undefined as unknown as Daprd,
    folder,
    send: (count, more = {}) =>
      sendOrders({
        port: () => flow.producer.port,
        count,
        partitions,
        ...more,
      }),
    async startProducer() {
      flow.producer = await sidecar(false);
    },
    async startConsumer() {
      flow.consumer = await sidecar(true);
    },
    accepted: () =>
      app
        .taken()
        .filter(({ status, path }) => status === 200 && path === "/orders"),
    async arrived(sending, timeoutMs = 30_000) {
      const missing = () => {
        const there = new Set(flow.accepted().map(({ order }) => order));
        return [...sending.acked].filter((order) => !there.has(order));
      };
      try {
        await waitFor("the orders", () => missing().length === 0, timeoutMs);
      } catch (cause) {
        const orders = missing();
        throw new Error(
          `${orders.length} of ${sending.acked.size} acknowledged orders did not reach the app in ${timeoutMs} ms, such as ${orders.slice(0, 10).join(", ")}; the reader printed:\n${flow.consumer.output()}`,
          { cause },
        );
      }
    },
  };
  await app.start();
  if (!options.asleep)
    await Promise.all([flow.startProducer(), flow.startConsumer()]);
  return flow;
}

/** kill -9; the folder it was given goes too. */
export async function killSidecar(sidecar: Daprd): Promise<void> {
  sidecar.child.kill("SIGKILL");
  const { signal } = await sidecar.stop();
  expect(signal).toBe("SIGKILL");
}

/** The first time each order came, partition by partition, must be the order in which it was sent. */
export function expectInOrder(taken: TakenOrder[]): void {
  const firsts = new Map<number, TakenOrder>();
  for (const one of taken)
    if (!firsts.has(one.order)) firsts.set(one.order, one);
  for (let partition = 0; partition < partitions; partition++) {
    const numbers = [...firsts.values()]
      .filter((one) => one.partition === partition)
      .map(({ order }) => order);
    expect(numbers.filter((order) => order % partitions !== partition)).toEqual(
      [],
    );
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
}

export const duplicatesIn = (taken: TakenOrder[]): number =>
  taken.length - new Set(taken.map(({ order }) => order)).size;
