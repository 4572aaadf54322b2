/** What the sidecar says about itself. */
import type { Flags } from "./flags.ts";
import { daprVersion } from "../shared/version.ts";
import type { Attributes } from "./attributes.ts";
import { protocolOf } from "./open-app.ts";
import type { Loaded } from "./open-loaded.ts";

/** The body of `GET /v1.0/metadata`; empty members are left out. */
export function describe(
  flags: Flags,
  components: readonly Loaded[],
  endpoints: string[],
  extended: Attributes,
  features: readonly string[],
): Record<string, unknown> {
  const appPort = flags["app-port"];
  return {
    id: flags["app-id"],
    runtimeVersion: daprVersion,
    ...(features.length > 0 ? { enabledFeatures: features } : {}),
    ...(components.length > 0
      ? {
          components: components.map(({ resource, capabilities }) => ({
            name: resource.name,
            type: resource.type,
            version: resource.version || "v1",
            ...(capabilities.length > 0 ? { capabilities } : {}),
          })),
        }
      : {}),
    extended: extended.toJSON(),
    ...(endpoints.length > 0
      ? { httpEndpoints: endpoints.map((name) => ({ name })) }
      : {}),
    appConnectionProperties: {
      ...(appPort > 0 ? { port: appPort } : {}),
      protocol: protocolOf(flags),
      channelAddress: flags["app-channel-address"],
      ...(flags["app-max-concurrency"] > 0
        ? { maxConcurrency: flags["app-max-concurrency"] }
        : {}),
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
