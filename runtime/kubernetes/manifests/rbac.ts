/** The control plane's accounts and their rights: what the code calls, and nothing else. */
import { injector, operator, trustBundle } from "../names.ts";
import type { KubernetesObject } from "../api/objects.ts";
import { labels, type InstallOptions } from "./options.ts";

interface Rule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

const rule = (
  apiGroup: string,
  resources: string[],
  verbs: string[],
  resourceNames?: string[],
): Rule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
  ...(resourceNames ? { resourceNames } : {}),
});

/** The right to fill the Secret and the ConfigMap, which the installation makes empty. */
const ownTrust: Rule[] = [
  rule("", ["secrets"], ["get", "update"], [trustBundle]),
  rule("", ["configmaps"], ["get", "update"], [trustBundle]),
];

interface Account {
  name: string;
  cluster: Rule[];
  /** In the control plane's namespace. */
  own: Rule[];
}

const accounts: Account[] = [
  {
    name: operator.name,
    cluster: [
      rule(
        "dapr.io",
        [
          "components",
          "configurations",
          "httpendpoints",
          "resiliencies",
          "subscriptions",
        ],
        ["get", "list", "watch"],
      ),
      rule("apps", ["deployments", "statefulsets"], ["get", "list", "watch"]),
      // Needed for owners that block their deletion until the Service is gone.
      rule(
        "apps",
        ["deployments/finalizers", "statefulsets/finalizers"],
        ["update"],
      ),
      rule("", ["services"], ["get", "list", "watch", "create", "update"]),
      rule("", ["pods"], ["get", "list", "delete"]),
      // Of components, one at a time, by name.
      rule("", ["secrets"], ["get"]),
      rule("authentication.k8s.io", ["tokenreviews"], ["create"]),
    ],
    own: ownTrust,
  },
  {
    name: injector.account,
    cluster: [
      rule(
        "admissionregistration.k8s.io",
        ["mutatingwebhookconfigurations"],
        ["get", "patch"],
        [injector.name],
      ),
    ],
    own: [
      ...ownTrust,
      rule("dapr.io", ["configurations"], ["get"], ["daprsystem"]),
    ],
  },
];

export function rbac({ namespace }: InstallOptions): KubernetesObject[] {
  const api = "rbac.authorization.k8s.io";
  return accounts.flatMap(({ name, cluster, own }) => {
    const subjects = [{ kind: "ServiceAccount", name, namespace }];
    const inNamespace = { name, namespace, labels: labels(name) };
    return [
      {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: inNamespace,
        automountServiceAccountToken: false,
      },
      {
        apiVersion: `${api}/v1`,
        kind: "ClusterRole",
        metadata: { name, labels: labels(name) },
        rules: cluster,
      },
      {
        apiVersion: `${api}/v1`,
        kind: "ClusterRoleBinding",
        metadata: { name, labels: labels(name) },
        roleRef: { apiGroup: api, kind: "ClusterRole", name },
        subjects,
      },
      {
        apiVersion: `${api}/v1`,
        kind: "Role",
        metadata: inNamespace,
        rules: own,
      },
      {
        apiVersion: `${api}/v1`,
        kind: "RoleBinding",
        metadata: inNamespace,
        roleRef: { apiGroup: api, kind: "Role", name },
        subjects,
      },
    ];
  });
}
