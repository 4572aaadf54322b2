/** The options of an installation. */
import { defaultClusterDomain, defaultNamespace } from "../names.ts";

export interface InstallOptions {
  /** Namespace of the control plane. */
  namespace: string;
  /** Image of the control plane and of the sidecars that it injects. */
  image: string;
  imagePullPolicy: "Always" | "IfNotPresent" | "Never";
  clusterDomain: string;
  /** Interval of the watchdog: `0` is off, `once`, or a duration. */
  watchInterval: string;
  /** More accounts that may create pods with a sidecar, `NAMESPACE:NAME`, `*` as wildcard. */
  allowedServiceAccounts: string[];
  logLevel: string;
}

export const defaultInstall = (image: string): InstallOptions => ({
  namespace: defaultNamespace,
  image,
  imagePullPolicy: "IfNotPresent",
  clusterDomain: defaultClusterDomain,
  watchInterval: "10s",
  allowedServiceAccounts: [],
  logLevel: "info",
});

/** Tells this kit's control plane from another's. */
export const managedBy = "dapr-quickstart-kit";

/** `app` is what `dapr status -k` looks for. */
export const labels = (app: string) => ({
  app,
  "app.kubernetes.io/name": app,
  "app.kubernetes.io/part-of": "dapr",
  "app.kubernetes.io/managed-by": managedBy,
});
