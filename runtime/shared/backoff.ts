/** Pauses between tries, longer each time. */
import { startTimer } from "./timers.ts";

export interface Backoff {
  /** Milliseconds until the next try; doubled each time. */
  nextMs(random?: number): number;
  /** Waits for the next pause; false as soon as `signal` aborts. */
  wait(signal: AbortSignal): Promise<boolean>;
  /** To be called on success: the next pause is the first one again. */
  reset(): void;
}

/** The pauses double from `firstMs` up to `mostMs`. They vary by the fraction `spread`, so that not all try at once. */
export function doublingBackoff(
  firstMs: number,
  mostMs: number,
  spread = 0,
): Backoff {
  let pauseMs = firstMs;
  const nextMs = (random = Math.random()) => {
    const now = pauseMs * (1 - spread + 2 * spread * random);
    pauseMs = Math.min(pauseMs * 2, mostMs);
    return now;
  };
  return {
    nextMs,
    wait: (signal) => pause(nextMs(), signal),
    reset() {
      pauseMs = firstMs;
    },
  };
}

export interface GrowingPauses {
  firstMs: number;
  factor: number;
  mostMs: number;
  /** The fraction by which each varies. */
  spread: number;
}

/** The pause before the nth further try (from 1); `random` is in [0, 1). */
export const growingPause =
  ({ firstMs, factor, mostMs, spread }: GrowingPauses) =>
  (retry: number, random = Math.random()): number =>
    Math.min(mostMs, firstMs * factor ** (retry - 1)) *
    (1 - spread + 2 * spread * random);

/** Resolves true after `ms`, false as soon as `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const end = (waited: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      resolve(waited);
    };
    const aborted = () => end(false);
    const timer = startTimer(() => end(true), ms);
    signal.addEventListener("abort", aborted);
  });
}
