/** Far more than anything takes on a busy machine. This only ends a test whose condition never comes: the clock decides no test. */
const leastMs = 120_000;

/** Waits until `condition` returns something truthy, and resolves with it. The error names what was awaited, and for how long. */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  /** A longer limit. A shorter one than `leastMs` is ignored. */
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
