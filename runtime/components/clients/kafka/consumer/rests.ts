import { startTimer } from "../../../../shared/timers.ts";

/** Partitions that are left alone for a while after a refusal; each time for longer. */
export interface Rests<T> {
  /** 1 s the first time, then twice as long, up to 30 s. */
  begin(one: T): void;
  has(one: T): boolean;
  /** To be called when it works: the next rest is short again. */
  forget(one: T): void;
}

const firstMs = 1000;
const longestMs = 30_000;

/** `onEnd` is called as each rest ends, unless the signal fired. */
export function createRests<T>(
  signal: AbortSignal,
  onEnd: () => void,
): Rests<T> {
  const nextMs = new Map<T, number>();
  const timers = new Map<T, NodeJS.Timeout>();
  signal.addEventListener("abort", () => {
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
  });
  const end = (one: T) => {
    clearTimeout(timers.get(one));
    timers.delete(one);
  };
  return {
    begin(one) {
      if (signal.aborted) return;
      end(one);
      const ms = nextMs.get(one) ?? firstMs;
      nextMs.set(one, Math.min(ms * 2, longestMs));
      timers.set(
        one,
        startTimer(() => {
          timers.delete(one);
          onEnd();
        }, ms),
      );
    },
    has: (one) => timers.has(one),
    forget(one) {
      if (nextMs.delete(one)) end(one);
    },
  };
}
