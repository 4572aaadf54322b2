/** What a pod's object tells of its sidecar. */
import {
  argOf,
  sidecarOf,
  type Container,
  type Pod,
  type SecretKey,
} from "../../kubernetes/pods.ts";
import { sidecar as names } from "../../../kubernetes/names.ts";
import { describeParts } from "../describe-app.ts";
import type { App } from "../messages.ts";
import type { Metadata } from "../sidecar.ts";

/** A pod whose containers will not run again has no sidecar any more. */
export const isOver = ({ status: { phase } }: Pod): boolean =>
  phase === "Succeeded" || phase === "Failed";

/** Of a pod's very sidecar: after a restart it is another one. */
export const keyOf = (pod: Pod): string =>
  `${pod.metadata.uid} ${statusOf(pod)?.restartCount ?? 0}`;

const statusOf = ({ status }: Pod) =>
  [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
  ].find(({ name }) => name === names.container);

const isRunning = (pod: Pod): boolean =>
  statusOf(pod)?.state?.running !== undefined;

/** Why the sidecar can't be reached, as far as the pod's object tells. */
export function whyUnreachable(pod: Pod): string | undefined {
  const folder = argOf(sidecarOf(pod)!, "--unix-domain-socket");
  if (folder)
    return "The sidecar listens on a socket in its pod (annotation dapr.io/unix-domain-socket-path), which kubectl can't reach: calls, components and keys are not seen.";
  if (isRunning(pod)) return undefined;
  const { waiting, terminated } = statusOf(pod)?.state ?? {};
  const { name, namespace } = pod.metadata;
  return `The sidecar does not run: ${waiting?.reason ?? terminated?.reason ?? pod.status.phase ?? "Pending"}. More: kubectl describe pod ${name} -n ${namespace}`;
}

export function httpPortOf(pod: Pod): number {
  return Number(argOf(sidecarOf(pod)!, "--dapr-http-port")) || names.httpPort;
}

/** The containers beside the sidecar. */
export const appContainers = ({ spec }: Pod): Container[] =>
  spec.containers.filter(({ name }) => name !== names.container);

/** `metadata` is undefined while the sidecar has not answered. */
export function describePod(
  pod: Pod,
  metadata: Metadata | undefined,
): Omit<App, "isWatched"> {
  const container = sidecarOf(pod)!;
  const { name, namespace = "", creationTimestamp } = pod.metadata;
  const startedAt = statusOf(pod)?.state?.running?.startedAt;
  return {
    appId: argOf(container, "--app-id") || name,
    appPort: Number(argOf(container, "--app-port")) || 0,
    httpPort: httpPortOf(pod),
    grpcPort: Number(argOf(container, "--dapr-grpc-port")) || 50001,
    command: "",
    created: Date.parse(startedAt ?? creationTimestamp),
    appPid: 0,
    sidecar: `${namespace}/${name}`,
    pod: {
      name,
      namespace,
      containers: appContainers(pod).map((one) => `${one.name}: ${one.image}`),
    },
    ...describeParts(metadata),
  };
}

/** Where a variable of the sidecar's environment comes from; undefined if it has none of this name. */
export function variableOf(
  pod: Pod,
  name: string,
): { value: string } | { secret: SecretKey } | undefined {
  // Of several the last one counts, as in the container.
  const found = sidecarOf(pod)!.env?.findLast((one) => one.name === name);
  const secret = found?.valueFrom?.secretKeyRef;
  if (secret) return { secret };
  return found?.value ? { value: found.value } : undefined;
}
