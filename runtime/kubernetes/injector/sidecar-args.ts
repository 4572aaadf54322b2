/** The sidecar's command line, as annotated (docs/protocol/kubernetes.md). */
import type { Annotations } from "../annotations.ts";
import { sidecar } from "../names.ts";
import type { InjectorConfig, InjectorState } from "./config.ts";

export interface SidecarPorts {
  http: number;
  grpc: number;
  internalGrpc: number;
  metrics: number;
}

export function sidecarPorts(a: Annotations): SidecarPorts {
  return {
    http: sidecar.httpPort,
    grpc: a.port("grpc-port", 50001),
    internalGrpc: a.port("internal-grpc-port", 50002),
    metrics: a.port("metrics-port", 9090),
  };
}

/** Flags that only pass an annotation on, if it is there and not empty. */
const passedOn: [annotation: string, flag: string][] = [
  ["config", "config"],
  ["app-channel-address", "app-channel-address"],
  ["placement-host-address", "placement-host-address"],
  ["scheduler-host-address", "scheduler-host-address"],
  ["max-body-size", "max-body-size"],
  ["read-buffer-size", "read-buffer-size"],
  ["block-shutdown-duration", "dapr-block-shutdown-duration"],
  ["actors-disseminate-timeout", "actors-disseminate-timeout"],
  ["app-binding-options-timeout", "app-binding-options-timeout"],
  ["disable-init-endpoints", "disable-init-endpoints"],
  ["sentry-request-jwt-audiences", "sentry-request-jwt-audiences"],
];

/** The same for whole numbers. */
const passedOnNumbers: [annotation: string, flag: string][] = [
  ["app-max-concurrency", "app-max-concurrency"],
  ["http-max-request-size", "dapr-http-max-request-size"],
  ["http-read-buffer-size", "dapr-http-read-buffer-size"],
];

/** Switches that are given or not. */
const switches: [annotation: string, flag: string][] = [
  ["disable-builtin-k8s-secret-store", "disable-builtin-k8s-secret-store"],
  ["log-as-json", "log-as-json"],
  ["enable-profiling", "enable-profiling"],
  ["app-ssl", "app-ssl"],
];

/** Flag and value are separate words, as readers of the pod (`dapr list -k`) expect. */
export function sidecarArgs(
  a: Annotations,
  appId: string,
  config: InjectorConfig,
  state: InjectorState,
): string[] {
  const ports = sidecarPorts(a);
  const args = ["/daprd"];
  const add = (flag: string, value: string | number) =>
    args.push(`--${flag}`, String(value));

  add("dapr-http-port", ports.http);
  add("dapr-grpc-port", ports.grpc);
  add("dapr-internal-grpc-port", ports.internalGrpc);
  add(
    "dapr-listen-addresses",
    a.text("sidecar-listen-addresses") ?? "[::1],127.0.0.1",
  );
  add("dapr-public-port", sidecar.publicPort);
  add("app-id", appId);
  add("app-protocol", protocolOf(a));
  add("log-level", a.text("log-level") ?? "info");
  add(
    "dapr-graceful-shutdown-seconds",
    a.number("graceful-shutdown-seconds", -1),
  );
  add("mode", "kubernetes");
  add("control-plane-address", config.operatorAddress);
  add("sentry-address", config.sentryAddress);

  const appPort = a.port("app-port", 0);
  if (appPort > 0) add("app-port", appPort);
  if (a.truthy("enable-metrics", true)) {
    args.push("--enable-metrics");
    add("metrics-port", ports.metrics);
  }
  // Given only if it is annotated; else the Configuration decides.
  if (a.has("enable-api-logging"))
    args.push(`--enable-api-logging=${a.truthy("enable-api-logging", false)}`);
  if (a.truthy("enable-app-health-check", false)) {
    args.push("--enable-app-health-check");
    add("app-health-check-path", a.text("app-health-check-path") ?? "/healthz");
    add("app-health-probe-interval", a.number("app-health-probe-interval", 5));
    add("app-health-probe-timeout", a.number("app-health-probe-timeout", 500));
    add("app-health-threshold", a.number("app-health-threshold", 3));
  }
  if (state.mtls) args.push("--enable-mtls");
  for (const [name, flag] of passedOn) {
    const value = a.text(name);
    if (value) add(flag, value);
  }
  for (const [name, flag] of passedOnNumbers) {
    const value = a.optionalNumber(name);
    if (value !== undefined) add(flag, value);
  }
  for (const [name, flag] of switches)
    if (a.truthy(name, false)) args.push(`--${flag}`);
  if (a.text("unix-domain-socket-path"))
    add("unix-domain-socket", sidecar.socketPath);
  return args;
}

/** Read in any case; an empty one is http, as for the sidecar. */
const protocolOf = (a: Annotations) =>
  (a.text("app-protocol") || "http").toLowerCase();

/** The value of the app's APP_PROTOCOL; undefined for an unknown protocol. */
export function appProtocol(a: Annotations): string | undefined {
  const protocol = protocolOf(a);
  if (!["http", "https", "h2c", "grpc", "grpcs"].includes(protocol))
    return undefined;
  const plain = protocol === "http" || protocol === "grpc";
  return plain && a.truthy("app-ssl", false) ? `${protocol}s` : protocol;
}
