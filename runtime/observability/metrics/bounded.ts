/** Keeps a label's values few, where a caller may choose them: those for which there is no room share one. */

/** What the rules of a label make of a value (rules.ts). */
export type Rewrite = (value: string) => string;

/** A value of a label. */
export type Label = string | NoRoom;

/** Values for which there is no room, and which rules turn into the same. */
export class NoRoom {
  /** What a metric tells whose rule does not change them. */
  readonly other: string;
  readonly sample: string;

  constructor(other: string, sample: string) {
    this.other = other;
    this.sample = sample;
  }
}

export class Bounded {
  readonly #other: string;
  readonly #rewrites: readonly Rewrite[];
  readonly #known = new Map<string, string>();
  readonly #rewritten = new Map<string, NoRoom>();

  /** `rewrites`: of the label's rules. They change values when they are told; here they only tell values apart. */
  constructor(other: string, rewrites: readonly Rewrite[] = []) {
    this.#other = other;
    this.#rewrites = rewrites;
  }

  fold(value: string): Label {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (value.length > longestValue) return this.#other;
    if (this.#known.size >= mostValues)
      return this.#rewrites.length > 0 ? this.#noRoom(value) : this.#other;
    this.#known.set(value, value);
    return value;
  }

  #noRoom(value: string): Label {
    const results = this.#rewrites.map((rewrite) => rewrite(value));
    if (results.every((one) => one === value)) return this.#other;
    const key = JSON.stringify(
      results.map((one) => (one === value ? null : one)),
    );
    const known = this.#rewritten.get(key);
    if (known) return known;
    if (this.#rewritten.size >= mostValues) return this.#other;
    const made = new NoRoom(this.#other, value);
    this.#rewritten.set(key, made);
    return made;
  }
}

const mostValues = 100;
const longestValue = 200;
