/** Random values from a seed, so that a failed run can be repeated. */
export interface Random {
  /** A whole number from 0 to n-1. */
  below(n: number): number;
  pick<T>(list: readonly T[]): T;
  /** A text of visible ASCII characters. */
  text(length: number): string;
}

/** The generator mulberry32: small, and good enough to vary requests. */
export function randomizer(state: number): Random {
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n: number) => Math.floor(next() * n);
  return {
    below,
    pick: <T>(list: readonly T[]): T => list[below(list.length)]!,
    text: (length) =>
      Array.from({ length }, () => String.fromCharCode(33 + below(94))).join(
        "",
      ),
  };
}

/** The seed of this run. `DAPR_TEST_SEED=n` repeats one. */
export const drillSeed = Number(
  process.env["DAPR_TEST_SEED"] ?? Date.now() % 1_000_000,
);
