/** The few statistics that the tables need. Percentiles are never averaged. */

/** The nearest-rank percentile of sorted values, so it is always a value that occurred. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0)
    throw new Error("no samples to take a percentile of");
  const rank = Math.ceil((p / 100) * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1]!;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (percentile(sorted, 50) + sorted[middle]!) / 2;
}

export interface Latency {
  count: number;
  mean: number;
  p50: number;
  p99: number;
  max: number;
}

/** Takes microseconds, returns milliseconds. */
export function latencyOf(microseconds: Float64Array): Latency {
  const sorted = microseconds.slice().sort();
  const ms = (p: number) => percentile(sorted, p) / 1000;
  const mean = sorted.reduce((sum, us) => sum + us, 0) / sorted.length / 1000;
  return { count: sorted.length, mean, p50: ms(50), p99: ms(99), max: ms(100) };
}
