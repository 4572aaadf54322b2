/** Every object of an installation, in the order in which it is to be applied (docs/protocol/kubernetes.md). */
import { stringify } from "yaml";
import { daprSystem, trustBundle } from "../names.ts";
import type { KubernetesObject } from "../api/objects.ts";
import { crds } from "./crds.ts";
import { networkPolicies } from "./network-policies.ts";
import { labels, managedBy, type InstallOptions } from "./options.ts";
import { rbac } from "./rbac.ts";
import { webhook } from "./webhook.ts";
import { deployments, services } from "./workloads.ts";

export interface Installation {
  crds: KubernetesObject[];
  /** All else, objects of the CRDs' kinds among it: to be applied once the CRDs are Established. */
  rest: KubernetesObject[];
}

export const installation = (options: InstallOptions): Installation => ({
  crds: crds(),
  rest: [
    namespaceOf(options),
    ...settings(options),
    ...rbac(options),
    ...networkPolicies(options),
    ...services(options),
    ...deployments(options),
    ...webhook(options),
  ],
});

/** As YAML for kubectl. */
export const toYaml = (objects: KubernetesObject[]): string =>
  objects
    .map((object) => stringify(object, { aliasDuplicateObjects: false }))
    .join("---\n");

const namespaceOf = ({ namespace }: InstallOptions): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: {
    name: namespace,
    labels: {
      "app.kubernetes.io/part-of": "dapr",
      "app.kubernetes.io/managed-by": managedBy,
      "pod-security.kubernetes.io/enforce": "restricted",
    },
  },
});

/**
 * Secret and ConfigMap without data. The control plane fills them, and a later
 * `kubectl apply` keeps the data (`kubectl replace` makes a new authority).
 */
const settings = ({ namespace }: InstallOptions): KubernetesObject[] => [
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: trustBundle, namespace, labels: labels("dapr-sentry") },
  },
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: trustBundle, namespace, labels: labels("dapr-sentry") },
  },
  {
    apiVersion: "dapr.io/v1alpha1",
    kind: "Configuration",
    metadata: { name: daprSystem, namespace },
    // False until there is a Sentry that gives sidecars their certificates.
    spec: { mtls: { enabled: false } },
  } as KubernetesObject,
];
