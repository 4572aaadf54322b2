/** Sends numbered orders to a sidecar's output binding, each until it is acknowledged. */
import { Agent } from "node:http";
import { call } from "./http.ts";

export interface Refusal {
  order: number;
  /** 0: no answer at all, as when the sidecar is gone. */
  status: number;
  text: string;
}

export interface Sending {
  /** Orders that got a 2xx. */
  acked: Set<number>;
  refusals: Refusal[];
  /** Ends with the last order; rejects only if the test is wrong. */
  done: Promise<void>;
  /** Begins no further order; resolves when those begun are acknowledged. */
  stop(): Promise<void>;
}

export interface SendOptions {
  /** Asked anew for each order: the sidecar may have been started again. */
  port: () => number;
  count: number;
  /** One order at a time in each, so that their order is known: n goes to partition n % partitions. */
  partitions: number;
  /** Several at a time in each partition; their order is then unknown. */
  callersPerPartition?: number;
  padding?: number;
}

/** A refused order is sent again after this. */
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
    const body = JSON.stringify({
      operation: "create",
      data: { order, ...(padding ? { padding } : {}) },
      metadata: { partitionNumber: String(partition) },
    });
    for (;;) {
      const { status, text } = await call(
        options.port(),
        "POST",
        "/v1.0/bindings/orders",
        { agent, body },
      ).catch((error: Error) => ({ status: 0, text: error.message }));
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
