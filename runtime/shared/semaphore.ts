/** A limit on how many calls are under way; the rest queue, first come first served. */

/** `acquire` waits for its turn and resolves with what releases it. Rejects when `signal` aborts first. */
export interface Semaphore {
  acquire(signal?: AbortSignal): Promise<() => void>;
}

/** Undefined if there is no limit (`max` of 0 or less). */
export function createSemaphore(max: number): Semaphore | undefined {
  if (max <= 0) return undefined;
  let taken = 0;
  const waiting = new Set<() => void>();
  const release = () => {
    const [next] = waiting;
    if (next) next();
    else taken--;
  };
  const hold = () => {
    let isHeld = true;
    return () => {
      if (isHeld) release();
      isHeld = false;
    };
  };
  return {
    async acquire(signal) {
      signal?.throwIfAborted();
      if (taken < max) taken++;
      else
        await new Promise<void>((resolve, reject) => {
          const leave = () => {
            waiting.delete(enter);
            reject(signal!.reason as Error);
          };
          const enter = () => {
            waiting.delete(enter);
            signal?.removeEventListener("abort", leave);
            resolve();
          };
          waiting.add(enter);
          signal?.addEventListener("abort", leave, { once: true });
        });
      return hold();
    },
  };
}
