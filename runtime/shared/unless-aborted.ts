/** Waits for work that goes on without this waiter: rejects with the signal's reason as soon as that aborts. */
export function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    work
      .finally(() => signal.removeEventListener("abort", onAbort))
      .then(resolve, reject);
  });
}
