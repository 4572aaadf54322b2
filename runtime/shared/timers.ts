/**
 * Timers for durations that somebody set. Node's own hold 2^31-1 ms (24.8 days)
 * and make 1 ms of anything longer; these wait as long as they should.
 */
import { setTimeout as nodeDelay } from "node:timers/promises";

/** Node's and most libraries' limit, in ms. */
const longestMs = 2 ** 31 - 1;
/** Some 30,000 years, so that an endless time can be counted in rounds too. */
const endlessMs = 1e15;

/** Splits a time into equal rounds: how many, and of how many ms each. */
function roundsOf(ms: number): { rounds: number; roundMs: number } {
  const wanted = Math.min(ms, endlessMs);
  const rounds = Math.max(1, Math.ceil(wanted / longestMs));
  return { rounds, roundMs: wanted / rounds };
}

/** As `setTimeout`, for `clearTimeout`. */
export function startTimer(callback: () => void, ms: number): NodeJS.Timeout {
  const { rounds, roundMs } = roundsOf(ms);
  let left = rounds;
  const timer = setTimeout(() => {
    if (--left > 0) timer.refresh();
    else callback();
  }, roundMs);
  return timer;
}

/** As `setInterval`, for `clearInterval`. */
export function startInterval(
  callback: () => void,
  ms: number,
): NodeJS.Timeout {
  const { rounds, roundMs } = roundsOf(ms);
  let left = rounds;
  return setInterval(() => {
    if (--left > 0) return;
    left = rounds;
    callback();
  }, roundMs);
}

/** As `setTimeout` of `node:timers/promises`: rejects when the signal aborts. */
export async function delay<T = void>(
  ms: number,
  value?: T,
  options?: { signal?: AbortSignal; ref?: boolean },
): Promise<T> {
  const { rounds, roundMs } = roundsOf(ms);
  for (let left = rounds; left > 1; left--)
    await nodeDelay(roundMs, undefined, options);
  return nodeDelay(roundMs, value as T, options);
}

/** A time for libraries that start Node's timers: at most what these can hold. */
export const libraryMs = (ms: number): number => Math.min(ms, longestMs);
