/** What an annotated pod becomes: a JSON patch (RFC 6902) that only adds, and overwrites nothing of the author's. */
import { isFalsy } from "../../shared/units.ts";
import { readAnnotations, type Annotations } from "../annotations.ts";
import { notActedUpon, unknownAnnotations } from "../known-annotations.ts";
import {
  injectedLabel,
  noSidecarAnnotation,
  sidecar,
  tokenAudience,
} from "../names.ts";
import type {
  Container,
  EnvVar,
  Pod,
  Volume,
  VolumeMount,
} from "../api/objects.ts";
import type { InjectorConfig, InjectorState } from "./config.ts";
import { appProtocol, sidecarPorts } from "./sidecar-args.ts";
import { sidecarContainer } from "./sidecar-container.ts";

export interface PatchOperation {
  op: "add";
  path: string;
  value: unknown;
}

export function podPatch(
  pod: Pod,
  appId: string,
  namespace: string,
  config: InjectorConfig,
  state: InjectorState,
  onWarning: (message: string) => void,
): PatchOperation[] {
  const warnings = new Set<string>();
  const warn = (message: string) => {
    if (warnings.has(message)) return;
    warnings.add(message);
    onWarning(message);
  };
  const annotations = readAnnotations(pod.metadata, warn);
  for (const name of notActedUpon)
    if (!isFalsy(annotations.text(name)))
      warn(`annotation dapr.io/${name} has no effect yet`);
  unknownAnnotations(pod.metadata).forEach(warn);
  const { spec } = pod;
  const socketPath = annotations.text("unix-domain-socket-path");

  const volumes: Volume[] = [
    ...(socketPath
      ? [{ name: sidecar.socketVolume, emptyDir: { medium: "Memory" } }]
      : []),
    tokenVolume(config),
  ];
  const volumeMounts: VolumeMount[] = [
    ...askedMounts(annotations, "volume-mounts", true, warn),
    ...askedMounts(annotations, "volume-mounts-rw", false, warn),
  ].filter(({ name }) => {
    const known = spec.volumes?.some((volume) => volume.name === name);
    if (!known)
      warn(
        `annotation dapr.io/volume-mounts: the pod has no volume "${name}"; left out`,
      );
    return known;
  });
  if (socketPath)
    volumeMounts.push({
      name: sidecar.socketVolume,
      mountPath: sidecar.socketPath,
    });
  volumeMounts.push({
    name: sidecar.tokenVolume,
    mountPath: sidecar.tokenPath,
    readOnly: true,
  });

  const container = sidecarContainer({
    annotations,
    appId,
    namespace,
    volumeMounts,
    config,
    state,
    warn,
  });
  // An init container that keeps running starts before the app and ends after it (Kubernetes 1.29).
  const isNative = annotations.truthy(
    "enable-native-sidecar",
    config.nativeSidecar,
  );
  const hasMetrics = annotations.truthy("enable-metrics", true);
  if (warnings.size > 0)
    container.env?.push(warningsVariable([...warnings].join("\n")));
  const patch = new Patch();
  patch.append("/spec/volumes", spec.volumes, volumes);
  if (isNative)
    patch.append("/spec/initContainers", spec.initContainers, [
      { ...container, restartPolicy: "Always" },
    ]);
  else patch.append("/spec/containers", spec.containers, [container]);
  patch.label(pod, injectedLabel, "true");
  patch.label(pod, "dapr.io/app-id", appId);
  patch.label(pod, "dapr.io/metrics-enabled", String(hasMetrics));

  const ports = sidecarPorts(annotations);
  const protocol = appProtocol(annotations);
  const appEnv: EnvVar[] = [
    { name: "DAPR_HTTP_PORT", value: String(ports.http) },
    { name: "DAPR_GRPC_PORT", value: String(ports.grpc) },
    ...(protocol ? [{ name: "APP_PROTOCOL", value: protocol }] : []),
  ];
  spec.containers?.forEach((app, index) => {
    const at = `/spec/containers/${index}`;
    patch.append(`${at}/env`, app.env, missing(app.env, appEnv));
    if (socketPath)
      patch.append(
        `${at}/volumeMounts`,
        app.volumeMounts,
        missing(app.volumeMounts, [
          { name: sidecar.socketVolume, mountPath: socketPath },
        ]),
      );
  });
  return patch.operations;
}

/** Marks a pod that is let through without a sidecar, so that the watchdog leaves it alone and `kubectl describe` says why. */
export function noSidecarPatch(pod: Pod, reason: string): PatchOperation[] {
  const patch = new Patch();
  patch.label(pod, injectedLabel, "false");
  patch.annotate(noSidecarAnnotation, reason);
  return patch.operations;
}

const warningsVariable = (text: string): EnvVar => ({
  name: sidecar.warningsVariable,
  // Kubernetes replaces `$(NAME)` by the value of another variable.
  value: text.replaceAll("$", "$$$$"),
});

class Patch {
  readonly operations: PatchOperation[] = [];
  #labels = false;

  /** Adds to a list, which may not exist yet. */
  append(path: string, list: unknown[] | undefined, values: unknown[]): void {
    if (values.length === 0) return;
    if (!list?.length) this.operations.push({ op: "add", path, value: values });
    else
      for (const value of values)
        this.operations.push({ op: "add", path: `${path}/-`, value });
  }

  /** Adds an annotation to a pod that has others. */
  annotate(name: string, value: string): void {
    const path = `/metadata/annotations/${name.replaceAll("/", "~1")}`;
    this.operations.push({ op: "add", path, value });
  }

  label(pod: Pod, name: string, value: string): void {
    if (!pod.metadata.labels && !this.#labels)
      this.operations.push({ op: "add", path: "/metadata/labels", value: {} });
    this.#labels = true;
    const path = `/metadata/labels/${name.replaceAll("/", "~1")}`;
    this.operations.push({ op: "add", path, value });
  }
}

const missing = <T extends { name: string }>(
  have: { name: string }[] | undefined,
  want: T[],
): T[] => want.filter(({ name }) => !have?.some((one) => one.name === name));

/** `volume:path,volume:path` */
function askedMounts(
  annotations: Annotations,
  annotation: string,
  readOnly: boolean,
  warn: (message: string) => void,
): VolumeMount[] {
  return (annotations.text(annotation) ?? "").split(",").flatMap((pair) => {
    const [name, mountPath] = pair.split(":").map((part) => part.trim());
    if (name && mountPath) return [{ name, mountPath, readOnly }];
    if (pair.trim() !== "")
      warn(
        `annotation dapr.io/${annotation}: "${pair.trim()}" is not VOLUME:PATH; left out`,
      );
    return [];
  });
}

/** The kubelet puts a token there, even if `automountServiceAccountToken` is false. Only the control plane accepts it. */
function tokenVolume(config: InjectorConfig): Volume {
  return {
    name: sidecar.tokenVolume,
    projected: {
      defaultMode: 0o644,
      sources: [
        {
          serviceAccountToken: {
            audience: tokenAudience(config.trustDomain, config.namespace),
            expirationSeconds: 7200,
            path: "token",
          },
        },
      ],
    },
  };
}

/** Whether somebody, or an earlier round of admission, has already put the sidecar in. */
export function hasSidecar({ spec }: Pod): boolean {
  const named = (list: Container[] | undefined) =>
    list?.some(({ name }) => name === sidecar.container) ?? false;
  return named(spec.containers) || named(spec.initContainers);
}
