/** Events of one kind, counted by their labels. */
import type { Label } from "./bounded.ts";

/** How a table is told: as a count of its events, as a histogram of what was measured, or as the last value. */
export interface Family {
  name: string;
  about: string;
  type: "counter" | "histogram" | "gauge";
}

export interface Row {
  /** By the table's labels. */
  values: readonly Label[];
  /** The sum of what was measured; then how many were at most each bound, and how many were above all of them. */
  counts: Float64Array;
}

/** A label's value, and what is known of the labels behind it. */
type Branch = Map<Label, Branch | Row>;

export class Table {
  readonly families: readonly Family[];
  /** In alphabetical order, as Prometheus shows them. */
  readonly labels: readonly string[];
  readonly bounds: readonly number[];
  readonly rows: Row[] = [];
  readonly #root: Branch = new Map();
  #last: Row | undefined;

  constructor(
    families: readonly Family[],
    labels: readonly string[] = [],
    bounds: readonly number[] = [],
  ) {
    this.families = families;
    this.labels = labels;
    this.bounds = bounds;
  }

  /** `measured`: milliseconds or bytes. */
  add(values: readonly Label[], measured = 0): void {
    // Most events are like the one before; not to look them up keeps the cost of a count below a microsecond.
    const last = this.#last;
    const row = last && isOf(last, values) ? last : this.#row(values);
    this.#last = row;
    const { counts } = row;
    counts[0]! += measured;
    let at = 0;
    while (at < this.bounds.length && measured > this.bounds[at]!) at++;
    counts[at + 1]!++;
  }

  /** Of a gauge. */
  set(values: readonly Label[], value: number): void {
    this.#row(values).counts[0] = value;
  }

  /** One look-up for each label: to join them to one key would cost more than all else. */
  #row(values: readonly Label[]): Row {
    const last = values.length - 1;
    if (last < 0) return this.rows[0] ?? this.#newRow(values);
    let branch = this.#root;
    for (let i = 0; i < last; i++) {
      let next = branch.get(values[i]!) as Branch | undefined;
      if (!next) branch.set(values[i]!, (next = new Map()));
      branch = next;
    }
    let row = branch.get(values[last]!) as Row | undefined;
    if (!row) branch.set(values[last]!, (row = this.#newRow(values)));
    return row;
  }

  #newRow(values: readonly Label[]): Row {
    const row = { values, counts: new Float64Array(this.bounds.length + 2) };
    this.rows.push(row);
    return row;
  }
}

function isOf(row: Row, values: readonly Label[]): boolean {
  for (let i = 0; i < values.length; i++)
    if (row.values[i] !== values[i]) return false;
  return true;
}
