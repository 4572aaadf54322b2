/** Pauses between tries, which a signal cuts short. */
import { delay } from "../../timers.ts";

export interface Backoff {
  /** Waits for the next, longer pause; returns early (without an error) once the signal fires. */
  wait(signal: AbortSignal): Promise<void>;
  reset(): void;
}

/** The pauses begin with `firstMs` and double up to `mostMs`. */
export function doublingBackoff(firstMs: number, mostMs: number): Backoff {
  let nextMs = firstMs;
  return {
    async wait(signal) {
      const pauseMs = nextMs;
      nextMs = Math.min(nextMs * 2, mostMs);
      await pause(pauseMs, signal);
    },
    reset() {
      nextMs = firstMs;
    },
  };
}

/** Resolves after the time or, sooner, when the signal fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
