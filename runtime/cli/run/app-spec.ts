/** How one app and its sidecar are to be run, whether flags or a run file say so. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { defaultComponents, defaultConfig } from "../home.ts";
import type { RunFlags } from "./run-flags.ts";

/** Ports are 0 or less until {@link assignPorts} has picked them. */
export interface AppSpec {
  appId: string;
  appPort: number;
  appProtocol: string;
  appChannelAddress: string;
  appMaxConcurrency: number;
  configFile: string;
  /** Folders given. */
  resourcesPaths: string[];
  /** The folder of the old flag, `--components-path`. */
  componentsPath: string;
  /** `<dapr>/components`, for when no folder is given. */
  defaultComponents: string;
  daprHttpPort: number;
  daprGrpcPort: number;
  daprInternalGrpcPort: number;
  metricsPort: number;
  profilePort: number;
  enableProfiling: boolean;
  enableApiLogging: boolean;
  enableAppHealthCheck: boolean;
  appHealthCheckPath: string;
  appHealthProbeInterval: number;
  appHealthProbeTimeout: number;
  appHealthThreshold: number;
  logLevel: string;
  logAsJson: boolean;
  maxBodySize: string;
  readBufferSize: string;
  placementHostAddress: string;
  schedulerHostAddress: string;
  unixDomainSocket: string;
  daprListenAddresses: string;
  /** Words to run; empty for a sidecar alone. */
  command: string[];
}

export function specFromFlags(
  flags: RunFlags & { "log-as-json": boolean },
  appId: string,
  home: string,
  command: string[],
): AppSpec {
  return {
    appId,
    appPort: flags["app-port"],
    appProtocol: withTls(flags["app-protocol"], flags["app-ssl"]),
    appChannelAddress: flags["app-channel-address"],
    appMaxConcurrency: flags["app-max-concurrency"],
    configFile: flags.config || defaultConfig(home),
    resourcesPaths: flags["resources-path"],
    componentsPath: flags["components-path"],
    defaultComponents: defaultComponents(home),
    daprHttpPort: flags["dapr-http-port"],
    daprGrpcPort: flags["dapr-grpc-port"],
    daprInternalGrpcPort: flags["dapr-internal-grpc-port"],
    metricsPort: flags["metrics-port"],
    profilePort: flags["profile-port"],
    enableProfiling: flags["enable-profiling"],
    enableApiLogging: flags["enable-api-logging"],
    enableAppHealthCheck: flags["enable-app-health-check"],
    appHealthCheckPath: flags["app-health-check-path"],
    appHealthProbeInterval: flags["app-health-probe-interval"],
    appHealthProbeTimeout: flags["app-health-probe-timeout"],
    appHealthThreshold: flags["app-health-threshold"],
    logLevel: flags["log-level"],
    logAsJson: flags["log-as-json"],
    maxBodySize:
      oldSize(flags["dapr-http-max-request-size"], "Mi") ??
      flags["max-body-size"],
    readBufferSize:
      oldSize(flags["dapr-http-read-buffer-size"], "Ki") ??
      flags["read-buffer-size"],
    placementHostAddress: flags["placement-host-address"],
    schedulerHostAddress: flags["scheduler-host-address"],
    // The whole path, so that `dapr list` finds the sockets from any folder.
    unixDomainSocket:
      flags["unix-domain-socket"] && resolve(flags["unix-domain-socket"]),
    daprListenAddresses: flags["dapr-listen-addresses"],
    command,
  };
}

/** Lower case; `--app-ssl` makes http and grpc mean https and grpcs. */
export function withTls(protocol: string, tls: boolean): string {
  const lower = protocol.toLowerCase();
  return tls && (lower === "http" || lower === "grpc") ? `${lower}s` : lower;
}

const oldSize = (value: number, unit: string) =>
  value > 0 ? `${value}${unit}` : undefined;

/** The folders of component files; empty if none is given and the default one does not exist. */
export function resourceFolders(spec: AppSpec): string[] {
  if (spec.resourcesPaths.length > 0) return spec.resourcesPaths;
  if (spec.componentsPath) return [spec.componentsPath];
  return existsSync(spec.defaultComponents) ? [spec.defaultComponents] : [];
}

/** What the app finds in its environment. */
export function appEnv(spec: AppSpec): Record<string, string> {
  return {
    APP_ID: spec.appId,
    APP_CHANNEL_ADDRESS: spec.appChannelAddress,
    ...(spec.appPort > 0 ? { APP_PORT: String(spec.appPort) } : {}),
    DAPR_HTTP_PORT: String(spec.daprHttpPort),
    DAPR_GRPC_PORT: String(spec.daprGrpcPort),
    DAPR_METRICS_PORT: String(spec.metricsPort),
    APP_PROTOCOL: spec.appProtocol,
  };
}

/** Path of a socket, when the sidecar serves on sockets. */
export function socketPath(
  spec: AppSpec,
  kind: "http" | "grpc",
): string | undefined {
  return spec.unixDomainSocket
    ? join(spec.unixDomainSocket, `dapr-${spec.appId}-${kind}.socket`)
    : undefined;
}
