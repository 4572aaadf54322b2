/** Waits for other processes' transactions, in a thread that may block. */
import { isBusy } from "./errors.ts";

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Runs `step` until other processes' transactions let it pass; those take well under a millisecond. */
export function patiently<T>(step: () => T, forMs: number): T {
  const deadline = performance.now() + forMs;
  for (let tries = 1; ; tries++) {
    try {
      return step();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      // SQLite's own busy handler sleeps up to 100 ms.
      Atomics.wait(
        sleeper,
        0,
        0,
        Math.min(5, 0.1 + Math.random() * 0.02 * tries),
      );
    }
  }
}
