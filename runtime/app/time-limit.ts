/** The time that an app has for its answer. */
import { startTimer } from "../shared/timers.ts";

/** For the app's list of subscriptions, which it has at hand; after it the app is asked again. */
export const askMs = 60_000;

export interface TimeLimit {
  /** Aborts after the time, with an error that says so. */
  signal: AbortSignal;
  clear(): void;
}

/** Undefined if there is none. */
export function startTimeLimit(ms: number | undefined): TimeLimit | undefined {
  if (ms === undefined) return undefined;
  const controller = new AbortController();
  const timer = startTimer(
    () => controller.abort(new Error(`no answer within ${ms} ms`)),
    ms,
  );
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
