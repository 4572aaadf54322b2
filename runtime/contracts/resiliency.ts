/** What a `kind: Resiliency` resource says (docs/protocol/resiliency.md): policies by name, and whose calls they are for. */
import type { Position } from "../shared/position.ts";

export interface Resiliency {
  name: string;
  /** As written; empty when absent. */
  namespace: string;
  /** Milliseconds by name. */
  timeouts: ReadonlyMap<string, number>;
  retries: ReadonlyMap<string, RetryPolicy>;
  circuitBreakers: ReadonlyMap<string, BreakerPolicy>;
  /** By app id, name of an HTTPEndpoint, or base URL. */
  apps: ReadonlyMap<string, AppTarget>;
  /** By type. Read and kept; there are no actors yet. */
  actors: ReadonlyMap<string, ActorTarget>;
  components: ReadonlyMap<string, ComponentTarget>;
}

export interface RetryPolicy {
  policy: "constant" | "exponential";
  /** The pause of the constant policy. */
  durationMs: number;
  /** The longest pause of the exponential policy. */
  maxIntervalMs: number;
  /** Tries after the first; Infinity is without end. */
  maxRetries: number;
  /** Which codes are tried again; absent: all. */
  httpCodes?: readonly CodeRange[];
  grpcCodes?: readonly CodeRange[];
}

/** Both ends are in it. */
export type CodeRange = readonly [first: number, last: number];

export interface BreakerPolicy {
  /** So many calls are let through while it is half open. */
  maxRequests: number;
  /** The counts begin anew after so long while it is closed; 0 is never. */
  intervalMs: number;
  /** How long it stays open. */
  timeoutMs: number;
  /** The condition in CEL, as written. */
  trip: string;
  /** Whether these counts open it. */
  trips(counts: BreakerCounts): boolean;
}

export interface BreakerCounts {
  requests: number;
  totalSuccesses: number;
  totalFailures: number;
  consecutiveSuccesses: number;
  consecutiveFailures: number;
}

/** The name of a policy, and where it stands. */
export interface PolicyName {
  name: string;
  at: Position;
}

export interface PolicyNames {
  timeout?: PolicyName;
  retry?: PolicyName;
  circuitBreaker?: PolicyName;
}

export interface AppTarget extends PolicyNames {
  /** So many circuit breakers are kept, one for each method. */
  circuitBreakerCacheSize: number;
}

export interface ActorTarget extends PolicyNames {
  circuitBreakerScope?: "type" | "id" | "both";
  circuitBreakerCacheSize: number;
}

export interface ComponentTarget {
  inbound: PolicyNames;
  outbound: PolicyNames;
}
