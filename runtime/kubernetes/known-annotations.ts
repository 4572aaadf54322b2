/** The annotations `dapr.io/…` of pods that there are, and what is said of any other. */
import { nearestName, short } from "../shared/nearest-name.ts";
import { annotation, noSidecarAnnotation } from "./names.ts";
import type { ObjectMeta } from "./api/objects.ts";

/** Of the original; nothing acts upon them here: named, so that nobody waits for their effect. */
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
  // They mean something beside what is not acted upon.
  "debug-port",
  "pluggable-components-sockets-folder",
  ...notActedUpon,
];

const prefix = annotation("");
const known: ReadonlySet<string> = new Set([
  ...knownAnnotations.map(annotation),
  noSidecarAnnotation,
]);

/** A line for each annotation `dapr.io/…` that there is not, with the one that was meant. */
export const unknownAnnotations = (metadata: ObjectMeta | undefined) =>
  Object.keys(metadata?.annotations ?? {})
    .filter((key) => key.toLowerCase().startsWith(prefix) && !known.has(key))
    .map((key) => {
      const near = nearestName(key.slice(prefix.length), knownAnnotations);
      return `annotation ${short(key)} is not known, so it has no effect${near ? `; did you mean ${annotation(near)}?` : ""}`;
    });
