/** Counts the orders, or messages, that came through. */
import { stripVTControlCharacters } from "node:util";

/** Takes a line that an app printed. Returns the number of the order that came through with it, if any. */
export type OrderReader = (app: string, line: string) => number | undefined;

/** For bindings: an order has come through when it is printed. */
export function printedOrders(): OrderReader {
  return (app, line) =>
    app === "nodeapp"
      ? numberIn(/^\{ orderId: (\d+) \}$/.exec(line))
      : undefined;
}

/** For hello-world and hello-kubernetes: an order has come through when the state store has it. */
export function persistedOrders(): OrderReader {
  const announced: number[] = [];
  return (app, line) => {
    if (app !== "nodeapp") return undefined;
    const order = numberIn(/^Got a new order! Order ID: (\d+)$/.exec(line));
    if (order !== undefined) announced.push(order);
    if (line.startsWith("Failed to persist state")) announced.shift();
    return line === "Successfully persisted state."
      ? announced.shift()
      : undefined;
  };
}

/** For pub-sub: a message has come through when each subscriber of its topic has printed it. */
export function deliveredMessages(): OrderReader {
  const printed = new Set<string>();
  return (app, line) => {
    const [, topic = "", text] =
      /^([ABC]): {2}Message (\d{1,9})$/.exec(line) ?? [];
    if (text === undefined) return undefined;
    printed.add(`${app} ${text}`);
    const takers = {
      A: ["node-subscriber", "second-subscriber"],
      B: ["node-subscriber"],
      C: ["second-subscriber"],
    }[topic as "A" | "B" | "C"];
    return takers.every((taker) => printed.has(`${taker} ${text}`))
      ? Number(text)
      : undefined;
  };
}

const numberIn = (match: RegExpExecArray | null) =>
  match ? Number(match[1]) : undefined;

const progressLimitMs = 30_000;

export class OrderCount {
  readonly total: number;
  /** What is counted. */
  readonly what: "orders" | "messages";
  readonly #missing: Set<number>;
  readonly #orderIn: OrderReader;
  #progressAt = Date.now();

  constructor(
    total: number,
    what: "orders" | "messages",
    orderIn: OrderReader,
  ) {
    this.total = total;
    this.what = what;
    this.#orderIn = orderIn;
    this.#missing = new Set(Array.from({ length: total }, (_, i) => i + 1));
  }

  /** Takes a line that an app printed. Returns true once every order has come through. */
  seen(app: string, line: string): boolean {
    // With FORCE_COLOR the app's lines are coloured.
    const order = this.#orderIn(app, stripVTControlCharacters(line).trim());
    if (order !== undefined && this.#missing.delete(order))
      this.#progressAt = Date.now();
    return this.#missing.size === 0;
  }

  /** After 30 s without a new order: which ones are missing. Before that, `undefined`. */
  overdue(now = Date.now()): string | undefined {
    if (now - this.#progressAt < progressLimitMs) return undefined;
    const missing = [...this.#missing];
    const some = missing.slice(0, 10).join(", ");
    return `${this.total - missing.length} of ${this.total} ${this.what} came through and no further one within ${progressLimitMs / 1000} s; missing: ${some}${missing.length > 10 ? ", …" : ""}. See the logs named above.`;
  }
}
