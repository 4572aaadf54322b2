/** `dapr list -k`: the apps in the cluster that have a sidecar. */
import { age, created } from "../age.ts";
import { checkNamespace } from "./check-flags.ts";
import { listObjects, type Where } from "./kubectl.ts";
import { argOf, sidecarOf, type Pod } from "./pods.ts";

export interface AppRow {
  namespace: string;
  appId: string;
  appPort: string;
  age: string;
  created: string;
}

export async function listApps(where: Where): Promise<AppRow[]> {
  if (where !== "all") checkNamespace(where.namespace);
  return appRows(await listObjects<Pod>("pods", where), Date.now());
}

export function appRows(pods: readonly Pod[], nowMs: number): AppRow[] {
  return pods.flatMap((pod) => {
    const sidecar = sidecarOf(pod);
    if (!sidecar) return [];
    const since = new Date(pod.metadata.creationTimestamp);
    return [
      {
        namespace: pod.metadata.namespace ?? "",
        appId: argOf(sidecar, "--app-id"),
        appPort: argOf(sidecar, "--app-port"),
        age: age(nowMs - since.getTime()),
        created: created(since),
      },
    ];
  });
}
