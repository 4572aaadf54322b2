/** A circuit breaker: after failures it refuses calls at once, until a few that it lets through succeed. */
import { PolicyError } from "../../contracts/run.ts";
import type {
  BreakerCounts,
  BreakerPolicy,
} from "../../contracts/resiliency.ts";

export type BreakerState = "closed" | "open" | "half-open";

export interface Breaker {
  state(): BreakerState;
  /** To be called before a call; throws a {@link PolicyError} if it may not be made. What it returns is to be called after it, once. */
  enter(): (isSuccess: boolean) => void;
}

export interface BreakerOptions {
  policy: BreakerPolicy;
  /** After each change of the state. */
  onChange(from: BreakerState, to: BreakerState): void;
  /** Milliseconds of a clock that only goes forward. */
  now?: () => number;
}

export function createBreaker({
  policy,
  onChange,
  now = () => performance.now(),
}: BreakerOptions): Breaker {
  const { maxRequests, intervalMs, timeoutMs } = policy;
  let state: BreakerState = "closed";
  let counts = noCounts();
  /** When the counts begin anew, or an open one becomes half open. */
  let until = Infinity;
  /** Calls that began before the last change say nothing about what came after it. */
  let generation = 0;

  function begin(): void {
    generation++;
    counts = noCounts();
    until = Infinity;
    if (state === "closed" && intervalMs > 0) until = now() + intervalMs;
    if (state === "open") until = now() + timeoutMs;
  }
  begin();

  function change(to: BreakerState): void {
    const from = state;
    state = to;
    begin();
    onChange(from, to);
  }

  /** What time alone changes. */
  function current(): BreakerState {
    if (now() > until) {
      if (state === "open") change("half-open");
      else begin();
    }
    return state;
  }

  function succeeded(): void {
    counts.totalSuccesses++;
    counts.consecutiveSuccesses++;
    counts.consecutiveFailures = 0;
    if (state === "half-open" && counts.consecutiveSuccesses >= maxRequests)
      change("closed");
  }

  function failed(): void {
    if (state === "half-open") return change("open");
    counts.totalFailures++;
    counts.consecutiveFailures++;
    counts.consecutiveSuccesses = 0;
    if (policy.trips(counts)) change("open");
  }

  return {
    state: current,
    enter() {
      current();
      if (state === "open") throw new PolicyError("open");
      if (state === "half-open" && counts.requests >= maxRequests)
        throw new PolicyError("busy");
      counts.requests++;
      const mine = generation;
      return (isSuccess) => {
        current();
        if (mine !== generation) return;
        if (isSuccess) succeeded();
        else failed();
      };
    },
  };
}

const noCounts = (): BreakerCounts => ({
  requests: 0,
  totalSuccesses: 0,
  totalFailures: 0,
  consecutiveSuccesses: 0,
  consecutiveFailures: 0,
});
