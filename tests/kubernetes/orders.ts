/** Watches orders in pods that come and go: which ones a producer got acknowledged, and which ones its consumer got. */
import type { ChildProcess } from "node:child_process";
import { eventually, start } from "./cluster.ts";
import type { Pod, Pods } from "./pods.ts";

interface End {
  /** The label of its pods, and the container. */
  app: string;
  container: string;
}

export interface Orders {
  /** The producer's lines about answers that were no success, and orders without an answer. */
  failures(): string[];
  /** Resolves when more orders have been acknowledged, and all acknowledged until then have arrived. */
  goOn(): Promise<void>;
  stop(): void;
}

/** `arrival` finds an order's number in the consumer's output. */
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
  /** The numbers that have not arrived. A restarted producer counts from 1 again, so a number may have to arrive twice. */
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

/** Collects the output of an app's container, from all of its pods that `look` has seen. */
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
