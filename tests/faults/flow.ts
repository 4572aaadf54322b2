/** Producer → sidecar → broker → sidecar → app: five processes, each of which a drill may end. */
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
/** For drills that wait until a dead reader's session ends. Others take a longer session, so that a busy machine does not end a living one's. */
export const shortSessionMs = 2000;
const longSessionMs = 30_000;
/** The longest time before an order is committed: 250 ms between commits, and some for a commit on its way on a busy machine. */
export const uncommittedMs = 250 + 150;

/** The broker on which the drills run. */
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
  /** Sends numbered orders through the producer's sidecar, also through a new one that takes its place. */
  send(count: number, more?: Partial<SendOptions>): Sending;
  /** Each `start…` starts a new sidecar in place of the last one. */
  startProducer(): Promise<void>;
  startConsumer(): Promise<void>;
  /** The orders that the app answered with 200, in the order in which it took them. */
  accepted(): TakenOrder[];
  /** Waits until the app has taken every acknowledged order. */
  arrived(sending: Sending, timeoutMs?: number): Promise<void>;
}

export interface FlowOptions {
  app?: Partial<OrderAppTask>;
  metadata?: Record<string, string>;
  /** A reader that sends no heartbeat for so long loses its place in the group. */
  sessionMs?: number;
  /** The app also gets the dead letters, at /dead. */
  withDeadLetters?: boolean;
  consumerArgs?: string[];
  /** The drill starts the sidecars itself. */
  asleep?: boolean;
}

let cleanups: (() => Promise<unknown> | void)[] = [];

/** For afterEach: ends everything that a test left. */
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

/** kill -9. The sidecar's folder is removed too. */
export async function killSidecar(sidecar: Daprd): Promise<void> {
  sidecar.child.kill("SIGKILL");
  const { signal } = await sidecar.stop();
  expect(signal).toBe("SIGKILL");
}

/** Expects that in each partition the orders came in the order in which they were sent. Repeats do not count. */
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
