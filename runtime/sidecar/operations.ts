/** What the sidecar says of itself while it starts and runs: health, metadata, shutdown. */
import type { Operations } from "../api/operations.ts";
import type { Subscriptions } from "../blocks/pubsub/subscriptions.ts";
import type { HttpEndpoint } from "../contracts/invocation.ts";
import { daprVersion } from "../shared/version.ts";
import { Attributes } from "./attributes.ts";
import type { ComponentSet } from "./component-set.ts";
import { describe } from "./describe.ts";
import type { SidecarOptions } from "./options.ts";

/** How far the start has come; its stages write it, {@link createOperations} reads it. */
export interface Progress {
  /** Output works: components are open, the API's ports too. */
  isOutboundReady: boolean;
  /** The app is there as well. */
  isReady: boolean;
  components: ComponentSet | undefined;
  subscriptions: Subscriptions | undefined;
  /** By name. */
  endpoints: Map<string, HttpEndpoint>;
  /** That a Configuration enables. */
  features: readonly string[];
}

export const noProgress = (): Progress => ({
  isOutboundReady: false,
  isReady: false,
  components: undefined,
  subscriptions: undefined,
  endpoints: new Map(),
  features: [],
});

export function createOperations(
  { flags, onShutdown }: SidecarOptions,
  progress: Progress,
): Operations {
  const attributes = new Attributes();
  attributes.set("daprRuntimeVersion", daprVersion);
  let wasComplete = false;
  /** Components that the first start still waits for; a later change takes no app out of service. */
  const missing = (): string[] => {
    const names = wasComplete ? [] : (progress.components?.failing() ?? []);
    wasComplete = names.length === 0;
    return names.map((name) => `component ${name}`);
  };
  return {
    appId: flags["app-id"],
    notReady: () => (progress.isReady ? missing() : ["runtime"]),
    outboundReady: () => progress.isOutboundReady && missing().length === 0,
    absent: () => progress.components?.absent() ?? [],
    description: () =>
      describe(
        flags,
        progress.components?.loaded() ?? [],
        progress.subscriptions?.list() ?? [],
        [...progress.endpoints.keys()],
        attributes,
        progress.features,
      ),
    setMetadata: (key, value) => attributes.set(key, value),
    shutdown: onShutdown,
  };
}
