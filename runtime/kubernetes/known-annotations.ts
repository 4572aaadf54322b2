/** The known annotations `dapr.io/…` of pods, and what to say of any other. */
import { allOptions } from "../options/index.ts";
import type { Option } from "../options/option.ts";
import { nearestName, short } from "../shared/nearest-name.ts";
import { annotation, noSidecarAnnotation } from "./names.ts";
import type { ObjectMeta } from "./api/objects.ts";

/** Annotations of the original that have no effect here. They are named in a warning, so that nobody waits for their effect. */
export const notActedUpon: readonly string[] = [
  "enable-debug",
  "pluggable-components",
  "inject-pluggable-components",
  ...ofOptions(({ daprd }) => daprd?.later),
];

const probes = ["liveness", "readiness"].flatMap((kind) =>
  ["delay-seconds", "timeout-seconds", "period-seconds", "threshold"].map(
    (what) => `sidecar-${kind}-probe-${what}`,
  ),
);

/** The names of the annotations that become flags of the sidecar. */
function ofOptions(isMeant: (option: Option) => unknown): string[] {
  return allOptions.flatMap(([flag, option]) =>
    option.pod && isMeant(option) ? [option.pod.name ?? flag] : [],
  );
}

export const knownAnnotations: readonly string[] = [
  ...ofOptions(() => true),
  // Of the pod, not of the sidecar's command line.
  "enabled",
  "app-token-secret",
  "api-token-secret",
  "control-plane",
  "enable-native-sidecar",
  "env",
  "env-from-secret",
  "sidecar-image",
  "sidecar-cpu-request",
  "sidecar-cpu-limit",
  "sidecar-memory-request",
  "sidecar-memory-limit",
  "sidecar-seccomp-profile-type",
  "sidecar-svc-annotations",
  ...probes,
  "volume-mounts",
  "volume-mounts-rw",
  // They belong to annotations that have no effect.
  "enable-debug",
  "debug-port",
  "pluggable-components",
  "inject-pluggable-components",
  "pluggable-components-sockets-folder",
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
