/** What the sidecar says about itself. */
import type { Description } from "../api/operations.ts";
import type { Flags } from "./flags.ts";
import type { Subscription } from "../contracts/subscription.ts";
import { daprVersion } from "../shared/version.ts";
import type { Attributes } from "./attributes.ts";
import { protocolOf } from "./open-app.ts";
import type { Loaded } from "./open-loaded.ts";

export function describe(
  flags: Flags,
  components: readonly Loaded[],
  subscriptions: readonly Subscription[],
  httpEndpoints: string[],
  extended: Attributes,
  enabledFeatures: readonly string[],
): Description {
  return {
    id: flags["app-id"],
    runtimeVersion: daprVersion,
    enabledFeatures,
    components: components.map(({ resource, capabilities }) => ({
      name: resource.name,
      type: resource.type,
      version: resource.version || "v1",
      capabilities,
    })),
    extended: extended.toJSON(),
    subscriptions,
    httpEndpoints,
    appConnection: {
      port: Math.max(0, flags["app-port"]),
      protocol: protocolOf(flags),
      channelAddress: flags["app-channel-address"],
      maxConcurrency: Math.max(0, flags["app-max-concurrency"]),
      ...(flags["enable-app-health-check"]
        ? {
            health: {
              healthCheckPath: flags["app-health-check-path"],
              healthProbeInterval: `${flags["app-health-probe-interval"]}s`,
              healthProbeTimeout: `${flags["app-health-probe-timeout"]}ms`,
              healthThreshold: flags["app-health-threshold"],
            },
          }
        : {}),
    },
    actorRuntime: {
      runtimeStatus: "DISABLED",
      hostReady: false,
      placement: "placement: disconnected",
    },
  };
}
