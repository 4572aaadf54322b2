/** Keeps the Services of all apps as their workloads want them, whoever changes or deletes them. */
import type { Logger } from "../../shared/log.ts";
import { appIdProblem, wantsSidecar } from "../annotations.ts";
import { unknownAnnotations } from "../known-annotations.ts";
import { isConflict, isNotFound, type KubeApi } from "../api/client.ts";
import { annotation } from "../names.ts";
import type { KubernetesObject, Workload } from "../api/objects.ts";
import {
  appServiceOf,
  differs,
  serviceOf,
  type Service,
} from "./app-service.ts";
import type { ResourceCache } from "./resource-cache.ts";
import { startTimer } from "../../shared/timers.ts";

export interface ServicesOptions {
  api: KubeApi;
  deployments: ResourceCache<Workload>;
  statefulSets: ResourceCache<Workload>;
  /** The Services with the label `dapr.io/enabled`. */
  services: ResourceCache<Service>;
  mtls: () => boolean;
  log: Logger;
}

/** The pause after a Service could not be made. It doubles each time, and is short again after the workload's next change. */
const againMs = 5_000;
const againAtMostMs = 120_000;

/** A workload that has to wait for its next try. */
interface Failure {
  message: string;
  againMs: number;
  timer: NodeJS.Timeout;
}

export function reconcileServices(options: ServicesOptions): {
  stop(): void;
} {
  const { deployments, statefulSets, services, log } = options;
  const caches = { Deployment: deployments, StatefulSet: statefulSets };
  /** `KIND NAMESPACE/NAME` of workloads to look at. */
  const due = new Set<string>();
  const failures = new Map<string, Failure>();
  let working = false;
  let stopped = false;

  const work = async () => {
    if (working) return;
    working = true;
    for (const key of due) {
      due.delete(key);
      try {
        await reconcile(key, options);
        forget(key);
      } catch (error) {
        if (!stopped) failed(key, (error as Error).message);
      }
    }
    working = false;
  };
  const enqueue = (key: string) => {
    due.add(key);
    setImmediate(work);
  };
  const forget = (key: string) => {
    clearTimeout(failures.get(key)?.timer);
    failures.delete(key);
  };
  const failed = (key: string, message: string) => {
    const before = failures.get(key);
    clearTimeout(before?.timer);
    if (message !== before?.message)
      log.warn(`${key}: its Service: ${message}`);
    const waitMs = before?.againMs ?? againMs;
    failures.set(key, {
      message,
      againMs: Math.min(waitMs * 2, againAtMostMs),
      timer: startTimer(() => enqueue(key), waitMs),
    });
  };
  /** Called when something changed that concerns a workload. */
  const look = (key: string) => {
    forget(key);
    enqueue(key);
  };
  /** Wakes all workloads that may want a Service that lost its owner, or will lose it. */
  const lookAtAllOf = (service: string, namespace = "") => {
    for (const [kind, cache] of Object.entries(caches))
      for (const workload of cache.list(namespace))
        if (serviceOf(workload) === service) look(keyOf(kind, workload));
  };
  for (const [kind, cache] of Object.entries(caches))
    cache.onChange(({ old, now }) => {
      // The status changes often and makes no difference.
      if (old && now && generation(old) === generation(now)) return;
      if (now) {
        // The injector warns about annotations of the pods that it sees.
        const { metadata } = now.spec.template;
        if (!wantsSidecar(metadata))
          for (const line of unknownAnnotations(metadata))
            log.warn(`${keyOf(kind, now)}: ${line}`);
        look(keyOf(kind, now));
      }
      const left = old && serviceOf(old);
      if (left && left !== (now && serviceOf(now)))
        lookAtAllOf(left, old.metadata.namespace);
    });
  services.onChange(({ old, now }) => {
    if (!now && old)
      return lookAtAllOf(old.metadata.name as string, old.metadata.namespace);
    const owner = now?.metadata.ownerReferences?.[0];
    if (owner) look(`${owner.kind} ${now.metadata.namespace}/${owner.name}`);
  });
  return {
    stop: () => {
      stopped = true;
      for (const { timer } of failures.values()) clearTimeout(timer);
    },
  };
}

const keyOf = (kind: string, { metadata }: Workload) =>
  `${kind} ${metadata.namespace}/${metadata.name}`;
const generation = ({ metadata }: KubernetesObject) =>
  (metadata as { generation?: number }).generation;

const appIdKey = annotation("app-id");

async function reconcile(key: string, options: ServicesOptions): Promise<void> {
  const { api, deployments, statefulSets, services, mtls, log } = options;
  const [kind = "", path = ""] = key.split(" ");
  const [namespace = "", name = ""] = path.split("/");
  const cache = kind === "Deployment" ? deployments : statefulSets;
  const workload = cache.get(namespace, name);
  if (!workload || workload.metadata.deletionTimestamp) return;
  const warnings: string[] = [];
  const want = appServiceOf(
    workload,
    kind as "Deployment" | "StatefulSet",
    mtls(),
    (warning) => warnings.push(warning),
  );
  if (!want) return; // as in the original, an existing one stays
  const problem = appIdProblem(want.metadata.annotations?.[appIdKey] ?? "");
  if (problem) return log.warn(`${key}: its Service: ${problem}`);
  const tell = (what: string) => {
    log.info(`${key}: ${what} the Service ${serviceName}`);
    for (const warning of warnings) log.warn(`${key}: ${warning}`);
  };
  const serviceName = want.metadata.name as string;
  const all = `/api/v1/namespaces/${namespace}/services`;
  const have = services.get(namespace, serviceName);
  if (!have) {
    try {
      await api.create(all, want);
      tell("made");
    } catch (error) {
      if (!isConflict(error)) throw error;
      // Either ours, and the informer has not reported it yet, or somebody else's of the same name.
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
    if (other?.metadata.uid === owner.uid && serviceOf(other) === serviceName) {
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
    tell("changed");
  } catch (error) {
    // It was changed or deleted meanwhile: the informer will report that, and we look again.
    if (!isConflict(error) && !isNotFound(error)) throw error;
  }
}
