/** The injector's settings from its environment; the names are those of the original's chart (docs/protocol/kubernetes.md). */
import {
  defaultClusterDomain,
  defaultNamespace,
  serviceAddress,
  operator,
} from "../names.ts";

export interface InjectorConfig {
  /** Namespace of the control plane. */
  namespace: string;
  clusterDomain: string;
  trustDomain: string;
  sidecarImage: string;
  /** Always, IfNotPresent or Never. */
  imagePullPolicy: string;
  /** `HOST:PORT` */
  operatorAddress: string;
  sentryAddress: string;
  /** Whether sidecars are init containers that keep running, unless a pod says otherwise. */
  nativeSidecar: boolean;
  /** Service accounts that may create pods with a sidecar, as `NAMESPACE:NAME` with `*` as wildcard. */
  allowedAccounts: string[];
}

/** Creators of pods that every cluster has, and of common add-ons. */
const knownAccounts = [
  "kube-system:replicaset-controller",
  "kube-system:replication-controller",
  "kube-system:deployment-controller",
  "kube-system:cronjob-controller",
  "kube-system:job-controller",
  "kube-system:statefulset-controller",
  "kube-system:daemon-set-controller",
  "tekton-pipelines:tekton-pipelines-controller",
];

/** Throws if SIDECAR_IMAGE is missing: without it there is nothing to inject. */
export function readInjectorConfig(env: NodeJS.ProcessEnv): InjectorConfig {
  const sidecarImage = env["SIDECAR_IMAGE"];
  if (!sidecarImage)
    throw new Error(
      "SIDECAR_IMAGE is not set: it names the image that the injector adds to pods",
    );
  const namespace = env["NAMESPACE"] || defaultNamespace;
  const clusterDomain = env["KUBE_CLUSTER_DOMAIN"] || defaultClusterDomain;
  return {
    namespace,
    clusterDomain,
    trustDomain: env["DAPR_TRUST_DOMAIN"] || defaultClusterDomain,
    sidecarImage,
    imagePullPolicy: env["SIDECAR_IMAGE_PULL_POLICY"] || "IfNotPresent",
    operatorAddress: serviceAddress(operator.service, namespace, clusterDomain),
    sentryAddress:
      env["DAPR_SENTRY_ADDRESS"] ||
      serviceAddress("dapr-sentry", namespace, clusterDomain),
    nativeSidecar: env["NATIVE_SIDECAR_ENABLED"] === "true",
    allowedAccounts: [
      ...knownAccounts,
      ...(env["ALLOWED_SERVICE_ACCOUNTS"] ?? "")
        .split(",")
        .map((name) => name.trim())
        .filter(Boolean),
    ],
  };
}

/** What changes while the injector runs. */
export interface InjectorState {
  /** The root certificates that sidecars trust; PEM. */
  trustAnchors: string;
  /** `spec.mtls.enabled` of the Configuration `daprsystem`; true without one. */
  mtls: boolean;
}
