/** What a Resiliency says about calls of other apps, for those who make them. */
import type { ForwardReply, ForwardRequest } from "./invocation.ts";
import type { ProxiedCall } from "./proxied-call.ts";

/** Whom a call is for. */
export interface CallTarget {
  /** As the caller wrote it. */
  target: string;
  /** By which names a Resiliency may know it; the first one that it has counts. */
  keys: readonly string[];
  /** What has a circuit breaker of its own: `orders:neworder`. */
  endpoint: string;
}

export interface InvocationPolicies {
  /** `send` may be called several times, each with a request of its own. `to` is asked if there is any policy. */
  call(
    to: () => CallTarget,
    request: ForwardRequest,
    send: (request: ForwardRequest) => Promise<ForwardReply>,
  ): Promise<ForwardReply>;
  /** `pass` may be called several times, each with a call of its own, which seems as unread as the first. */
  proxy(
    to: () => CallTarget,
    call: ProxiedCall,
    pass: (call: ProxiedCall) => Promise<void>,
  ): Promise<void>;
  /** How often a call is made anew that reached no sidecar. */
  serviceRetries(keys: readonly string[]): ServiceRetries;
}

export interface ServiceRetries {
  /** How many more times after the first call. */
  maxRetries: number;
  /** Before the nth of them. */
  pauseMs(retry: number): number;
}
