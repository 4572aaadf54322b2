/** A limit on how many calls are under way; the rest queue, first come first served. */

/** Waits for a place and takes it; resolves with how to give it back. Rejects when `signal` aborts first. */
export interface Places {
  take(signal?: AbortSignal): Promise<() => void>;
}

/** Undefined when there is no limit (`max` of 0 or less). */
export function createPlaces(max: number): Places | undefined {
  if (max <= 0) return undefined;
  let taken = 0;
  const waiting = new Set<() => void>();
  const giveBack = () => {
    const [next] = waiting;
    if (next) next();
    else taken--;
  };
  const place = () => {
    let isHeld = true;
    return () => {
      if (isHeld) giveBack();
      isHeld = false;
    };
  };
  return {
    async take(signal) {
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
      return place();
    },
  };
}
