/** Keeps the Services of all apps as their workloads ask for, whoever changes or deletes them. */
import type { Logger } from "../../log.ts";
import { isConflict, isNotFound, type KubeApi } from "../kube-api.ts";
import type { KubernetesObject, Workload } from "../objects.ts";
import { appServiceOf, differs, type Service } from "./app-service.ts";
import type { ResourceCache } from "./resource-cache.ts";

export interface ServicesOptions {
  api: KubeApi;
  deployments: ResourceCache<Workload>;
  statefulSets: ResourceCache<Workload>;
  /** Those with the label `dapr.io/enabled`. */
  services: ResourceCache<Service>;
  mtls: () => boolean;
  log: Logger;
}

const againMs = 5_000;

export function reconcileServices(options: ServicesOptions): {
  stop(): void;
} {
  const { deployments, statefulSets, services, log } = options;
  /** `KIND NAMESPACE/NAME` of workloads to look at. */
  const due = new Set<string>();
  let working = false;
  let timer: NodeJS.Timeout | undefined;

  const work = async () => {
    if (working) return;
    working = true;
    const failed: string[] = [];
    for (const key of due) {
      due.delete(key);
      try {
        await reconcile(key, options);
      } catch (error) {
        log.warn(`${key}: its Service: ${(error as Error).message}`);
        failed.push(key);
      }
    }
    working = false;
    if (failed.length === 0) return;
    for (const key of failed) due.add(key);
    clearTimeout(timer);
    timer = setTimeout(work, againMs);
  };
  const look = (key: string) => {
    due.add(key);
    setImmediate(work);
  };
  for (const [kind, cache] of [
    ["Deployment", deployments],
    ["StatefulSet", statefulSets],
  ] as const)
    cache.onChange(({ old, now }) => {
      // A status that changed makes no difference, and changes often.
      const generation = (object?: KubernetesObject) =>
        (object?.metadata as { generation?: number } | undefined)?.generation;
      if (!now || (old && generation(old) === generation(now))) return;
      look(`${kind} ${now.metadata.namespace}/${now.metadata.name}`);
    });
  services.onChange(({ old, now }) => {
    const owner = (now ?? old)?.metadata.ownerReferences?.[0];
    const namespace = (now ?? old)?.metadata.namespace;
    if (owner) look(`${owner.kind} ${namespace}/${owner.name}`);
  });
  return { stop: () => clearTimeout(timer) };
}

async function reconcile(key: string, options: ServicesOptions): Promise<void> {
  const { api, deployments, statefulSets, services, mtls, log } = options;
  const [kind = "", path = ""] = key.split(" ");
  const [namespace = "", name = ""] = path.split("/");
  const cache = kind === "Deployment" ? deployments : statefulSets;
  const workload = cache.get(namespace, name);
  if (!workload || workload.metadata.deletionTimestamp) return;
  const want = appServiceOf(
    workload,
    kind as "Deployment" | "StatefulSet",
    mtls(),
  );
  if (!want) return; // as in the original, one that is there stays
  const serviceName = want.metadata.name as string;
  const all = `/api/v1/namespaces/${namespace}/services`;
  const have = services.get(namespace, serviceName);
  if (!have) {
    try {
      await api.create(all, want);
      log.info(`${key}: made the Service ${serviceName}`);
    } catch (error) {
      if (!isConflict(error)) throw error;
      // Ours that the informer has not told of yet, or somebody's of the same name.
      const found = await api.get<Service>(`${all}/${serviceName}`);
      if (!found.metadata.labels?.["dapr.io/enabled"])
        throw new Error(
          `${serviceName} exists and was not made by Dapr; rename it, or the app`,
        );
    }
    return;
  }
  const owner = have.metadata.ownerReferences?.[0];
  if (owner && owner.uid !== workload.metadata.uid) {
    const other = (
      owner.kind === "Deployment" ? deployments : statefulSets
    ).get(namespace, owner.name);
    if (other?.metadata.uid === owner.uid) {
      log.warn(
        `${key}: the app id of ${serviceName} belongs to ${owner.kind} ${owner.name} already; it keeps the Service. Give one of them another dapr.io/app-id`,
      );
      return;
    }
  }
  if (!differs(have, want)) return;
  try {
    await api.replace(`${all}/${serviceName}`, {
      ...have,
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        ...have.metadata,
        labels: { ...have.metadata.labels, ...want.metadata.labels },
        annotations: want.metadata.annotations,
        ownerReferences: want.metadata.ownerReferences,
      },
      spec: { ...have.spec, ...want.spec },
    });
    log.info(`${key}: changed the Service ${serviceName}`);
  } catch (error) {
    // It changed or went meanwhile: the informer tells, and we look again.
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}
