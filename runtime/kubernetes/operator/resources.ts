/** The kinds of the group dapr.io that sidecars ask for, and which objects an app may see. */
import type { KubernetesObject } from "../api/objects.ts";

export interface DaprObject extends KubernetesObject {
  /** App ids that may see it; empty = all. It is a sibling of `spec`. */
  scopes?: string[];
  auth?: { secretStore?: string };
  spec?: Record<string, unknown>;
}

/** Plural, and the version in which the operator reads it. */
export const daprKinds = {
  components: "v1alpha1",
  configurations: "v1alpha1",
  httpendpoints: "v1alpha1",
  resiliencies: "v1alpha1",
  subscriptions: "v2alpha1",
} as const;

export type DaprKind = keyof typeof daprKinds;

export const daprPath = (kind: DaprKind) =>
  `/apis/dapr.io/${daprKinds[kind]}/${kind}`;

/** The caller: the pod behind the token. */
export interface Caller {
  namespace: string;
  appId: string;
  pod: string;
  /** Configuration that the pod names in `dapr.io/config`. */
  config?: string;
}

/** Whether the caller may see an object of its own namespace. */
export function isVisible(
  kind: DaprKind,
  object: DaprObject,
  caller: Caller,
): boolean {
  if (object.metadata.namespace !== caller.namespace) return false;
  if (kind === "configurations") return object.metadata.name === caller.config;
  return !object.scopes?.length || object.scopes.includes(caller.appId);
}

/** As sidecars read it: a Subscription has `routes`, whichever version it was written in. */
export function toJson(kind: DaprKind, object: DaprObject): Buffer {
  let sent = object;
  if (kind === "subscriptions" && object.spec && !object.spec["routes"]) {
    const { route, ...spec } = object.spec;
    sent = { ...object, spec: { ...spec, routes: { default: route } } };
  }
  return Buffer.from(JSON.stringify(sent), "utf8");
}
