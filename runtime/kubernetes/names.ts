/** Names, ports and paths of an installation. They are the original's, so that its CLI, manifests and users find them (docs/protocol/kubernetes.md). */

export const defaultNamespace = "dapr-system";
export const defaultClusterDomain = "cluster.local";

export const operator = {
  name: "dapr-operator",
  service: "dapr-api",
  port: 6500,
} as const;
export const injector = {
  name: "dapr-sidecar-injector",
  /** Its service account, and its pods' annotation. */
  account: "dapr-injector",
  service: "dapr-sidecar-injector",
  port: 4000,
  path: "/mutate",
  webhook: "sidecar-injector.dapr.io",
} as const;
/** The port of `/healthz`, in both programs. */
export const healthPort = 8080;

/** Secret and ConfigMap. */
export const trustBundle = "dapr-trust-bundle";
/** The control plane's own Configuration. */
export const daprSystem = "daprsystem";

export const sidecar = {
  container: "daprd",
  httpPort: 3500,
  publicPort: 3501,
  socketVolume: "dapr-unix-domain-socket",
  socketPath: "/var/run/dapr-sockets",
  tokenVolume: "dapr-identity-token",
  tokenPath: "/var/run/secrets/dapr.io/sentrytoken",
  /** What was wrong with the pod's annotations, a line each, for the sidecar's log: users look there. */
  warningsVariable: "DAPR_ANNOTATION_WARNINGS",
} as const;

/** `true`, or `false` if the injector let the pod through without a sidecar; an annotation has the reason. */
export const injectedLabel = "dapr.io/sidecar-injected";
export const noSidecarAnnotation = "dapr.io/no-sidecar";
export const watchdogLabel = "dapr.io/watchdog-patched";

/** The annotation `dapr.io/NAME`. */
export const annotation = (name: string) => `dapr.io/${name}`;

/** The Service by which the sidecars of an app are found; its name must be a DNS label. */
export const appService = (appId: string) => `${appId}-dapr`;

/** SPIFFE id of a part of the control plane, e.g. `dapr-sentry`. */
export const controlPlaneId = (
  trustDomain: string,
  namespace: string,
  name: string,
) => `spiffe://${trustDomain}/ns/${namespace}/${name}`;

/** The audience of the sidecars' service account tokens. */
export const tokenAudience = (trustDomain: string, namespace: string) =>
  controlPlaneId(trustDomain, namespace, "dapr-sentry");

/** `SERVICE.NAMESPACE.svc.DOMAIN:443` */
export const serviceAddress = (
  service: string,
  namespace: string,
  clusterDomain: string,
) => `${service}.${namespace}.svc.${clusterDomain}:443`;
