/** Far more than anything takes on a busy machine: the clock decides no test, it only ends one whose condition never comes. */
const leastMs = 120_000;

/** Waits until `condition` gives something truthy and returns it; the error names what was awaited and for how long. */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  /** A longer limit; a shorter one than `leastMs` is not taken. */
  timeoutMs = leastMs,
  everyMs = 10,
): Promise<NonNullable<T>> {
  const limitMs = Math.max(timeoutMs, leastMs);
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await condition();
    if (found) return found as NonNullable<T>;
    if (performance.now() > deadline)
      throw new Error(`waited ${limitMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
