import type { InvocationPolicies } from "../../runtime/contracts/invocation-policies.ts";

/** As without any Resiliency; `retryMs` is the pause before a call to a sidecar is made again. */
export const plainPolicies = (retryMs = 1000): InvocationPolicies => ({
  call: (_to, request, send) => send(request),
  proxy: (_to, call, pass) => pass(call),
  serviceRetries: () => ({ maxRetries: 3, pauseMs: () => retryMs }),
});
