/**
 * Does a piece of work with what a Resiliency says about its target: `work` may be called again after a failure, and
 * its signal aborts when the time of that try is over. `until` aborts when there is to be no further try; one under way
 * goes on. Rejects with the last failure, or with what kept the work from being tried.
 */
export type Run = <T>(
  work: (signal?: AbortSignal) => Promise<T>,
  until?: AbortSignal,
) => Promise<T>;

/** Nothing around it. */
export const justRun: Run = (work) => work();

/** A policy ended the work, or kept it from being tried: the time is over, the circuit breaker is open, or half open and busy. */
export class PolicyError extends Error {
  override name = "PolicyError";
  readonly kind: "timeout" | "open" | "busy";

  constructor(kind: PolicyError["kind"]) {
    super(texts[kind]);
    this.kind = kind;
  }
}

/** The original's. */
const texts = {
  timeout: "context deadline exceeded",
  open: "circuit breaker is open",
  busy: "too many requests",
};
