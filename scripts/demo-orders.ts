/** Counts the orders that came through nodeapp. */
import { stripVTControlCharacters } from "node:util";

/** Takes a line that nodeapp printed. Returns the number of the order that came through with it, if any. */
export type OrderReader = (line: string) => number | undefined;

/** For bindings: an order has come through when it is printed. */
export function printedOrders(): OrderReader {
  return (line) => numberIn(/^\{ orderId: (\d+) \}$/.exec(line));
}

/** For hello-world and hello-kubernetes: an order has come through when the state store has it. */
export function persistedOrders(): OrderReader {
  const announced: number[] = [];
  return (line) => {
    const order = numberIn(/^Got a new order! Order ID: (\d+)$/.exec(line));
    if (order !== undefined) announced.push(order);
    if (line.startsWith("Failed to persist state")) announced.shift();
    return line === "Successfully persisted state."
      ? announced.shift()
      : undefined;
  };
}

const numberIn = (match: RegExpExecArray | null) =>
  match ? Number(match[1]) : undefined;

const progressLimitMs = 30_000;

export class OrderCount {
  readonly total: number;
  readonly #missing: Set<number>;
  readonly #orderIn: OrderReader;
  #progressAt = Date.now();

  constructor(total: number, orderIn: OrderReader) {
    this.total = total;
    this.#orderIn = orderIn;
    this.#missing = new Set(Array.from({ length: total }, (_, i) => i + 1));
  }

  /** Takes a line that nodeapp printed. Returns true once every order has come through. */
  seen(line: string): boolean {
    // With FORCE_COLOR the app's lines are coloured.
    const order = this.#orderIn(stripVTControlCharacters(line).trim());
    if (order !== undefined && this.#missing.delete(order))
      this.#progressAt = Date.now();
    return this.#missing.size === 0;
  }

  /** After 30 s without a new order: which ones are missing. Before that, `undefined`. */
  overdue(now = Date.now()): string | undefined {
    if (now - this.#progressAt < progressLimitMs) return undefined;
    const missing = [...this.#missing];
    const some = missing.slice(0, 10).join(", ");
    return `${this.total - missing.length} of ${this.total} orders came through and no further one within ${progressLimitMs / 1000} s; missing: ${some}${missing.length > 10 ? ", …" : ""}. See the logs named above.`;
  }
}
