/** The known annotations `dapr.io/…` of pods, and what to say of any other. */
import { nearestName, short } from "../shared/nearest-name.ts";
import { annotation, noSidecarAnnotation } from "./names.ts";
import type { ObjectMeta } from "./api/objects.ts";

/** Annotations of the original that have no effect here. They are named in a warning, so that nobody waits for their effect. */
export const notActedUpon: readonly string[] = [
  "enable-debug",
  "pluggable-components",
  "inject-pluggable-components",
  "unix-domain-socket-path",
  "enable-profiling",
  "enable-metrics",
  "metrics-port",
  "disable-init-endpoints",
  "placement-host-address",
  "scheduler-host-address",
  "actors-disseminate-timeout",
  "sentry-request-jwt-audiences",
];

const probes = ["liveness", "readiness"].flatMap((kind) =>
  ["delay-seconds", "timeout-seconds", "period-seconds", "threshold"].map(
    (what) => `sidecar-${kind}-probe-${what}`,
  ),
);

export const knownAnnotations: readonly string[] = [
  "enabled",
  "app-id",
  "app-port",
  "app-protocol",
  "app-ssl",
  "app-channel-address",
  "app-max-concurrency",
  "app-token-secret",
  "api-token-secret",
  "app-binding-options-timeout",
  "enable-app-health-check",
  "app-health-check-path",
  "app-health-probe-interval",
  "app-health-probe-timeout",
  "app-health-threshold",
  "config",
  "control-plane",
  "disable-builtin-k8s-secret-store",
  "enable-api-logging",
  "enable-native-sidecar",
  "env",
  "env-from-secret",
  "block-shutdown-duration",
  "graceful-shutdown-seconds",
  "grpc-port",
  "internal-grpc-port",
  "log-level",
  "log-as-json",
  "max-body-size",
  "read-buffer-size",
  "http-max-request-size",
  "http-read-buffer-size",
  "sidecar-image",
  "sidecar-cpu-request",
  "sidecar-cpu-limit",
  "sidecar-memory-request",
  "sidecar-memory-limit",
  "sidecar-listen-addresses",
  "sidecar-seccomp-profile-type",
  "sidecar-svc-annotations",
  ...probes,
  "volume-mounts",
  "volume-mounts-rw",
  // They belong to annotations that have no effect.
  "debug-port",
  "pluggable-components-sockets-folder",
  ...notActedUpon,
];

const prefix = annotation("");
const known: ReadonlySet<string> = new Set([
  ...knownAnnotations.map(annotation),
  noSidecarAnnotation,
]);

/** A line for each unknown annotation `dapr.io/…`, with the one that was probably meant. */
export const unknownAnnotations = (metadata: ObjectMeta | undefined) =>
  Object.keys(metadata?.annotations ?? {})
    .filter((key) => key.toLowerCase().startsWith(prefix) && !known.has(key))
    .map((key) => {
      const near = nearestName(key.slice(prefix.length), knownAnnotations);
      return `annotation ${short(key)} is not known, so it has no effect${near ? `; did you mean ${annotation(near)}?` : ""}`;
    });
