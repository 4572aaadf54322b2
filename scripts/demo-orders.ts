/** Counts the orders that came through the consumer. */
const patienceMs = 30_000;

export class OrderCount {
  readonly total: number;
  readonly #missing: Set<number>;
  #progressAt = Date.now();

  constructor(total: number) {
    this.total = total;
    this.#missing = new Set(Array.from({ length: total }, (_, i) => i + 1));
  }

  /** Takes a line the consumer printed; true once every order was seen. */
  seen(line: string): boolean {
    const order = /^\{ orderId: (\d+) \}$/.exec(line.trim());
    if (order && this.#missing.delete(Number(order[1])))
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
