/**
 * Watches the app's health: it starts unhealthy, one success makes it healthy,
 * `threshold` failures in a row make it unhealthy (docs/protocol/app.md). That it stays so from the start is told too.
 */
import type { AppChannel } from "../contracts/app-channel.ts";
import { delay } from "../shared/timers.ts";

export interface HealthOptions {
  path: string;
  intervalMs: number;
  timeoutMs: number;
  threshold: number;
}

/** Probes until `signal` aborts; the first probe goes at once. Calls `onChange` with the new state. */
export async function watchHealth(
  app: AppChannel,
  options: HealthOptions,
  onChange: (healthy: boolean, reason: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let healthy: boolean | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const started = performance.now();
    const reason = await app.illness(options.path, options.timeoutMs);
    if (signal.aborted) return;
    if (reason === undefined) {
      failures = 0;
      if (!healthy) onChange((healthy = true), "probe answered");
    } else if (++failures >= options.threshold && healthy !== false)
      onChange((healthy = false), reason);
    const restMs = options.intervalMs - (performance.now() - started);
    await delay(Math.max(0, restMs), undefined, { signal }).catch(() => {});
  }
}
