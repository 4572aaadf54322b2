/** Policies of certain names are for all targets that have no entry of their own: `DefaultAppRetryPolicy` and the like. */
import type { PolicyName, PolicyNames } from "../../contracts/resiliency.ts";

export const appLevels = ["App", ""];

/** The most specific first. */
export function componentLevels(
  type: string,
  direction: "inbound" | "outbound",
): string[] {
  const way = direction === "inbound" ? "Inbound" : "Outbound";
  return [`${type}Component${way}`, `Component${way}`, "Component", ""];
}

export function findDefaults(
  levels: readonly string[],
  known: Record<
    "timeouts" | "retries" | "circuitBreakers",
    ReadonlyMap<string, unknown>
  >,
): PolicyNames {
  const find = (
    policies: ReadonlyMap<string, unknown>,
    kind: string,
  ): PolicyName | undefined => {
    const name = levels
      .map((level) => `Default${level}${kind}Policy`)
      .find((one) => policies.has(one));
    return name === undefined ? undefined : { name, at: nowhere };
  };
  const timeout = find(known.timeouts, "Timeout");
  const retry = find(known.retries, "Retry");
  const circuitBreaker = find(known.circuitBreakers, "CircuitBreaker");
  return {
    ...(timeout && { timeout }),
    ...(retry && { retry }),
    ...(circuitBreaker && { circuitBreaker }),
  };
}

/** They are found by their names alone. */
const nowhere = { file: "", line: 0, column: 0 };
