/** Counts the orders that came through nodeapp. */
import { stripVTControlCharacters } from "node:util";

/** Takes a line that nodeapp printed; returns the order that came through by it, if one did. */
export type OrderReader = (line: string) => number | undefined;

/** bindings: an order came through when it was printed. */
export function printedOrders(): OrderReader {
  return (line) => numberIn(/^\{ orderId: (\d+) \}$/.exec(line));
}

/** hello-world, hello-kubernetes: only an order that the store took came through. */
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

const patienceMs = 30_000;

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

  /** Takes a line nodeapp printed; true once every order was seen. */
  seen(line: string): boolean {
    // FORCE_COLOR colours what the app prints, too.
    const order = this.#orderIn(stripVTControlCharacters(line).trim());
    if (order !== undefined && this.#missing.delete(order))
      this.#progressAt = Date.now();
    return this.#missing.size === 0;
  }

  /** Why it is no use to wait any longer; `undefined` while it is. */
  overdue(now = Date.now()): string | undefined {
    if (now - this.#progressAt < patienceMs) return undefined;
    const missing = [...this.#missing];
    const some = missing.slice(0, 10).join(", ");
    return `${this.total - missing.length} of ${this.total} orders came through and no further one within ${patienceMs / 1000} s; missing: ${some}${missing.length > 10 ? ", …" : ""}. See the logs named above.`;
  }
}
