/** Retries that Dapr has without any Resiliency. A resource may change all but one. */
import type { Resiliency, RetryPolicy } from "../../contracts/resiliency.ts";
import type { Logger } from "../../shared/log.ts";

const constant = (maxRetries: number): RetryPolicy => ({
  policy: "constant",
  durationMs: 1000,
  maxIntervalMs: 60_000,
  maxRetries,
});
const exponential = (maxRetries: number, maxIntervalMs: number) => ({
  ...constant(maxRetries),
  policy: "exponential" as const,
  maxIntervalMs,
});

const fixed = "DaprBuiltInActorNotFoundRetries";
const fewest = 3;

export const builtInRetries: ReadonlyMap<string, RetryPolicy> = new Map([
  ["DaprBuiltInServiceRetries", constant(3)],
  ["DaprBuiltInActorRetries", constant(3)],
  ["DaprBuiltInActorReminderRetries", exponential(0, 60_000)],
  ["DaprBuiltInInitializationRetries", exponential(3, 1000)],
  [fixed, constant(5)],
]);

/** As the resources change them, which is told where they may not. */
export function withBuiltIns(
  all: readonly Resiliency[],
  log: Logger,
): ReadonlyMap<string, RetryPolicy> {
  const retries = new Map(builtInRetries);
  for (const { retries: own } of all)
    for (const [name, policy] of own) {
      if (!retries.has(name)) continue;
      if (name === fixed) {
        log.warn(
          `Attempted to override protected policy ${name} which is not allowed. Ignoring provided policy and using default.`,
        );
        continue;
      }
      // Without end is less than three to the original, too.
      const isEnough =
        policy.maxRetries >= fewest && policy.maxRetries !== Infinity;
      if (!isEnough)
        log.warn(
          `Attempted override of ${name} did not meet minimum retry count, resetting to ${fewest}.`,
        );
      retries.set(name, isEnough ? policy : { ...policy, maxRetries: fewest });
    }
  return retries;
}
