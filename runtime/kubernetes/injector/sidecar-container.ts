/** The container `daprd` (docs/protocol/kubernetes.md). */
import type { Annotations } from "../annotations.ts";
import { sidecar } from "../names.ts";
import type { Container, VolumeMount } from "../api/objects.ts";
import type { InjectorConfig, InjectorState } from "./config.ts";
import { sidecarArgs, sidecarPorts } from "./sidecar-args.ts";
import { sidecarEnv } from "./sidecar-env.ts";

export interface SidecarContext {
  annotations: Annotations;
  appId: string;
  namespace: string;
  volumeMounts: VolumeMount[];
  config: InjectorConfig;
  state: InjectorState;
  warn: (message: string) => void;
}

export function sidecarContainer(context: SidecarContext): Container {
  const { annotations: a, appId, namespace, config, state } = context;
  const ports = sidecarPorts(a);
  const env = sidecarEnv(a, namespace, config, state, context.warn);
  const resources = sidecarResources(context);
  return {
    name: sidecar.container,
    image: a.text("sidecar-image") ?? config.sidecarImage,
    imagePullPolicy: config.imagePullPolicy,
    args: sidecarArgs(a, appId, config, state),
    env,
    ports: [
      { name: "dapr-http", containerPort: ports.http },
      { name: "dapr-grpc", containerPort: ports.grpc },
      { name: "dapr-internal", containerPort: ports.internalGrpc },
      { name: "dapr-metrics", containerPort: ports.metrics },
    ],
    volumeMounts: context.volumeMounts,
    securityContext: securityContext(
      a,
      env.some(({ name }) => name === "SSL_CERT_DIR"),
    ),
    readinessProbe: {
      httpGet: { path: "/v1.0/healthz", port: sidecar.publicPort },
      ...probe(a, "readiness", [1, 1, 1, 5]),
    },
    livenessProbe: {
      tcpSocket: { port: sidecar.publicPort },
      ...probe(a, "liveness", [180, 3, 10, 5]),
    },
    // `kubectl describe pod` then shows why it ended, e.g. because of a flag that an annotation made wrong.
    terminationMessagePolicy: "FallbackToLogsOnError",
    ...(resources ? { resources } : {}),
  };
}

/**
 * Passes the Pod Security level `restricted`, which refuses the original's defaults. A certificate folder of
 * the user's own may need another user and writable files: that relaxes it, as in the original.
 */
function securityContext(a: Annotations, ownCertificates: boolean) {
  return {
    allowPrivilegeEscalation: false,
    runAsNonRoot: !ownCertificates,
    readOnlyRootFilesystem: !ownCertificates,
    capabilities: { drop: ["ALL"] },
    seccompProfile: {
      type: a.text("sidecar-seccomp-profile-type") || "RuntimeDefault",
    },
  };
}

function probe(
  a: Annotations,
  kind: "liveness" | "readiness",
  [delay, timeout, period, threshold]: [number, number, number, number],
) {
  const name = (what: string) => `sidecar-${kind}-probe-${what}`;
  return {
    initialDelaySeconds: a.number(name("delay-seconds"), delay),
    timeoutSeconds: a.number(name("timeout-seconds"), timeout),
    periodSeconds: a.number(name("period-seconds"), period),
    failureThreshold: a.number(name("threshold"), threshold),
  };
}

const quantity =
  /^\+?(\d+(\.\d*)?|\.\d+)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d+)?$/;

/** If one of them is no quantity, all four are dropped, as in the original: better none than half. */
function sidecarResources({ annotations: a, warn }: SidecarContext) {
  const resources: NonNullable<Container["resources"]> = {};
  for (const [kind, group] of [
    ["request", "requests"],
    ["limit", "limits"],
  ] as const)
    for (const what of ["cpu", "memory"] as const) {
      const name = `sidecar-${what}-${kind}`;
      const value = a.text(name);
      if (!value) continue;
      if (!quantity.test(value)) {
        warn(
          `annotation dapr.io/${name}: "${value}" is not a quantity such as 100m or 64Mi; the sidecar gets no requests and no limits`,
        );
        return undefined;
      }
      (resources[group] ??= {})[what] = value;
    }
  return Object.keys(resources).length > 0 ? resources : undefined;
}
