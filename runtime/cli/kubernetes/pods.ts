/** What the commands need to know of a pod. */
import type { KubeObject } from "./kubectl.ts";

export interface Pod extends KubeObject {
  spec: {
    containers: Container[];
    initContainers?: Container[];
  };
  status: {
    phase?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export interface Container {
  name: string;
  image: string;
  args?: string[];
  env?: EnvVar[];
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: SecretKey };
}

/** A key of a Secret in the pod's namespace. */
export interface SecretKey {
  name: string;
  key: string;
}

interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount?: number;
  state?: {
    waiting?: { reason?: string };
    terminated?: { reason?: string };
    running?: { startedAt?: string };
  };
}

/** The sidecar, wherever it was put. */
export const sidecarOf = (pod: Pod): Container | undefined =>
  [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
    ({ name }) => name === "daprd",
  );

/** The value after a flag in a container's arguments. */
export function argOf(container: Container, flag: string): string {
  const args = container.args ?? [];
  const at = args.indexOf(flag);
  return at < 0 ? "" : (args[at + 1] ?? "");
}

/** The tag of an image, `latest` where it has none. */
export const tagOf = (image: string): string =>
  splitImage(image).tag ?? "latest";

/** `host:5000/name:tag@digest`: the name with its registry, and the tag if it has one. */
export function splitImage(image: string): { name: string; tag?: string } {
  const named = image.split("@", 1)[0]!;
  const colon = named.lastIndexOf(":");
  if (colon < named.lastIndexOf("/") || colon < 0) return { name: named };
  return { name: named.slice(0, colon), tag: named.slice(colon + 1) };
}
