/** Orders on their way: what a producer was told is taken, and what its consumer got, in pods that come and go. */
import type { ChildProcess } from "node:child_process";
import { eventually, start } from "./cluster.ts";
import type { Pod, Pods } from "./pods.ts";

interface End {
  /** Its label, and its container. */
  app: string;
  container: string;
}

export interface Orders {
  /** Answers to the producer that were no success, and orders without one. */
  failures(): string[];
  /** Resolves when more orders have been taken, and each taken until then has arrived. */
  goOn(): Promise<void>;
  stop(): void;
}

/** `arrival` finds an order's number in what the consumer prints. */
export function watchOrders(
  pods: Pods,
  producer: End,
  consumer: End,
  arrival: RegExp,
): Orders {
  const sender = followLog(pods, producer);
  const receiver = followLog(pods, consumer);
  const numbers = (text: string, pattern: RegExp) =>
    [...text.matchAll(pattern)].map(([, id]) => Number(id));
  const taken = () =>
    numbers(sender.text(), /Response for order (\d+): 2\d\d/g);
  /** A producer that starts anew counts from 1 again, so a number may have to arrive twice. */
  const missing = (orders: number[]) => {
    const left = numbers(receiver.text(), arrival);
    return orders.filter((order) => {
      const at = left.indexOf(order);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  };
  const look = () => {
    sender.look();
    receiver.look();
  };
  return {
    failures: () =>
      sender
        .text()
        .split("\n")
        .filter((line) => /^No response|^Response(?!.*: 2\d\d)/.test(line)),
    async goOn() {
      const before = taken().length;
      await eventually(`more orders from ${producer.app}`, () => {
        look();
        return taken().length > before + 2;
      });
      const orders = taken();
      await eventually(`${orders.length} orders at ${consumer.app}`, () => {
        look();
        return missing(orders).length === 0;
      }).catch((error: Error) => {
        const lost = missing(orders).join();
        throw new Error(`${error.message}; not there: ${lost}`);
      });
    },
    stop() {
      sender.stop();
      receiver.stop();
    },
  };
}

/** All that an app's container says, in each of its pods that `look` has seen. */
function followLog(pods: Pods, { app, container }: End) {
  const followed = new Map<string, { log: ChildProcess; text: string }>();
  const isRunning = ({ status }: Pod) =>
    status.containerStatuses?.some(
      ({ name, state }) => name === container && state.running,
    );
  const follow = ({ metadata }: Pod) => {
    const { namespace } = pods;
    const log = start([
      "-n",
      namespace,
      "logs",
      "-f",
      metadata.name,
      "-c",
      container,
    ]);
    const one = { log, text: "" };
    log.stdout.setEncoding("utf8").on("data", (said) => (one.text += said));
    followed.set(metadata.uid, one);
  };
  return {
    text: () => [...followed.values()].map(({ text }) => text).join("\n"),
    look() {
      for (const pod of pods.of(app))
        if (isRunning(pod) && !followed.has(pod.metadata.uid)) follow(pod);
    },
    stop() {
      for (const { log } of followed.values()) log.kill();
    },
  };
}
