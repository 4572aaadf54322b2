/** Keeps a label's values few, where a caller may choose them: those for which there is no room share one. */
export class Bounded {
  readonly #other: string;
  readonly #known = new Map<string, string>();

  constructor(other: string) {
    this.#other = other;
  }

  fold(value: string): string {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (this.#known.size >= mostValues || value.length > longestValue)
      return this.#other;
    this.#known.set(value, value);
    return value;
  }
}

const mostValues = 100;
const longestValue = 200;
