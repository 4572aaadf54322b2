/** Sends numbered orders to a sidecar, and repeats each until it is acknowledged. */
import { Agent } from "node:http";
import { call } from "./http.ts";

export interface Refusal {
  order: number;
  /** The status; 0 without an answer, e.g. when the sidecar is down. */
  status: number;
  text: string;
}

export interface Sending {
  /** The orders that got a 2xx. */
  acked: Set<number>;
  refusals: Refusal[];
  /** Resolves with the last order. Rejects only if the test is wrong. */
  done: Promise<void>;
  /** Begins no more orders. Resolves when those begun are acknowledged. */
  stop(): Promise<void>;
}

export interface SendOptions {
  /** Called for each order, since the sidecar may have been restarted. */
  port: () => number;
  count: number;
  /** Order n goes to partition n % partitions. Each partition gets one order at a time, so that their order is known. */
  partitions: number;
  /** Sends several orders at a time to each partition. Their order is then unknown. */
  callersPerPartition?: number;
  padding?: number;
  /** Where an order goes, and as what; absent: to the output binding `orders`. */
  request?(data: object, partition: number): { path: string; body: string };
}

const toBinding = (data: object, partition: number) => ({
  path: "/v1.0/bindings/orders",
  body: JSON.stringify({
    operation: "create",
    data,
    metadata: { partitionNumber: String(partition) },
  }),
});

/** The time after which a refused order is sent again. */
const againMs = 20;

export function sendOrders(options: SendOptions): Sending {
  const { partitions, count, callersPerPartition: callers = 1 } = options;
  const acked = new Set<number>();
  const refusals: Refusal[] = [];
  const agent = new Agent({ keepAlive: true });
  const padding = "x".repeat(options.padding ?? 0);
  const next = Array.from({ length: partitions }, (_, partition) => partition);
  let going = true;

  async function send(order: number, partition: number): Promise<void> {
    const { path, body } = (options.request ?? toBinding)(
      { order, ...(padding ? { padding } : {}) },
      partition,
    );
    for (;;) {
      const { status, text } = await call(options.port(), "POST", path, {
        agent,
        body,
        headers: { "content-type": "application/json" },
      }).catch((error: Error) => ({ status: 0, text: error.message }));
      if (status >= 200 && status < 300) {
        acked.add(order);
        return;
      }
      refusals.push({ order, status, text });
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }

  async function caller(partition: number): Promise<void> {
    while (going && next[partition]! < count) {
      const order = next[partition]!;
      next[partition] = order + partitions;
      await send(order, partition);
    }
  }

  const done = Promise.all(
    next.flatMap((partition) =>
      Array.from({ length: callers }, () => caller(partition)),
    ),
  ).then(() => agent.destroy());
  return {
    acked,
    refusals,
    done,
    stop() {
      going = false;
      return done;
    },
  };
}
