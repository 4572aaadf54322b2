/** Restarts pods that were made while no injector answered, by deleting them: their controller makes them anew (docs/protocol/kubernetes.md). */
import { isTruthy } from "../../shared/units.ts";
import type { Logger } from "../../shared/log.ts";
import { readAnnotations, wantsSidecar } from "../annotations.ts";
import { every } from "../every.ts";
import { hasSidecar } from "../injector/pod-patch.ts";
import { isConflict, isNotFound, type KubeApi } from "../api/client.ts";
import { injectedLabel, injector, watchdogLabel } from "../names.ts";
import type {
  KubernetesObject,
  ObjectMeta,
  Pod,
  Workload,
} from "../api/objects.ts";
import type { Listed, ResourceCache } from "./resource-cache.ts";

export interface WatchdogOptions {
  api: KubeApi;
  deployments: ResourceCache<Workload>;
  /** The control plane's namespace, which the webhook leaves out. */
  namespace: string;
  /** Undefined means: look once. */
  intervalMs: number | undefined;
  log: Logger;
}

/** At most so many deletions a minute, so that a mistake here can't empty a cluster. */
const perMinute = 20;
const pageSize = 500;
/** After so many pods of one controller came back without a sidecar there must be a reason; it may be gone after a while. */
const triesPerController = 3;
const forgetMs = 600_000;

/** `0` is off (undefined), `once`, else a duration such as 10s, 1s at least. Throws on anything else. */
export function readWatchInterval(
  text: string,
): { intervalMs: number | undefined } | undefined {
  if (text === "0") return undefined;
  if (text === "once") return { intervalMs: undefined };
  const found = /^(\d+)(ms|s|m|h)$/.exec(text);
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const intervalMs =
    Number(found?.[1]) * (unitMs[found?.[2] as keyof typeof unitMs] ?? NaN);
  if (!(intervalMs >= 1000))
    throw new Error(
      `WATCH_INTERVAL "${text}" must be 0, once, or a duration of at least 1s`,
    );
  return { intervalMs };
}

export function startWatchdog(options: WatchdogOptions): { stop(): void } {
  const { api, deployments, namespace, intervalMs, log } = options;
  const deletions: number[] = [];
  /** UIDs of pods that are left alone, so that each is logged once. */
  let said = new Set<string>();
  /** By the controller's UID: the last deletion, and how many in a row were in vain. */
  const tries = new Map<string, { atMs: number; inVain: number }>();
  const isHopeless = (controller: string) => {
    const last = tries.get(controller);
    return (
      last !== undefined &&
      last.inVain >= triesPerController &&
      Date.now() - last.atMs < forgetMs
    );
  };
  const noteTry = (controller: string, { creationTimestamp }: ObjectMeta) => {
    const last = tries.get(controller);
    // Kubernetes gives whole seconds.
    const madeMs = Date.parse(creationTimestamp ?? "") + 1000;
    const isRemade = last !== undefined && madeMs > last.atMs;
    tries.set(controller, {
      atMs: Date.now(),
      inVain: (last?.inVain ?? 0) + (isRemade ? 1 : 0),
    });
  };

  const look = every(intervalMs ?? 5_000, log, async () => {
    const injecting = deployments
      .list()
      .some(
        ({ metadata, status }) =>
          metadata.labels?.["app"] === injector.name &&
          (status?.readyReplicas ?? 0) > 0,
      );
    // Without an injector the new pod would have no sidecar either.
    if (!injecting) return;
    const left = new Set<string>();
    for await (const metadata of uninjected(api)) {
      const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
      const pod = await api.get<Pod>(path).catch((error) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (!pod || pod.metadata.deletionTimestamp || hasSidecar(pod)) continue;
      if (hasEnded(pod)) continue;
      const named = `pod ${metadata.namespace}/${metadata.name}`;
      const uid = pod.metadata.uid as string;
      const controller = controllerOf(pod.metadata)?.uid ?? "";
      const hindrance = hindranceOf(pod, namespace, isHopeless(controller));
      if (hindrance) {
        if (!said.has(uid)) log.warn(`${named} has no sidecar, ${hindrance}`);
        said.add(uid);
        left.add(uid);
        continue;
      }
      const nowMs = performance.now();
      while (deletions[0] !== undefined && deletions[0] < nowMs - 60_000)
        deletions.shift();
      if (deletions.length >= perMinute) return;
      deletions.push(nowMs);
      try {
        await api.remove(path, uid);
        noteTry(controller, pod.metadata);
        log.info(`${named} had missed its sidecar: deleted, to be made anew`);
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    }
    said = left;
    if (intervalMs === undefined) look.stop();
  });
  return look;
}

/** Why deleting a pod would not help or would do harm: the new pod would have no sidecar either, or there would be none. */
function hindranceOf(
  { metadata, spec }: Pod,
  controlPlane: string,
  isHopeless: boolean,
): string | undefined {
  if (!wantsSidecar(metadata))
    return `because dapr.io/enabled is "${readAnnotations(metadata).text("enabled")}": only "true" adds one`;
  if (metadata.namespace === controlPlane)
    return "because pods in the control plane's namespace get none: move the app to another namespace";
  const controller = controllerOf(metadata);
  if (!controller)
    return "and no controller that would make it anew: delete and create it yourself";
  // A Job counts a deleted pod as a failure, and may have no try left.
  if (/^(Never|OnFailure)$/.test(spec.restartPolicy ?? ""))
    return `and runs to an end: ${controller.kind} ${controller.name} would take its deletion for a failure; delete and create that anew`;
  if (isHopeless)
    return "and came back without one each time it was deleted: the log of the injector says why";
  return undefined;
}

const hasEnded = ({ status }: Pod): boolean =>
  /^(Succeeded|Failed)$/.test(status?.phase ?? "");

const controllerOf = ({ ownerReferences }: ObjectMeta) =>
  ownerReferences?.find(({ controller }) => controller);

/** Metadata of running pods that ask for a sidecar and have no mark of the injector, which marks all that it lets through; in pages. */
async function* uninjected(api: KubeApi) {
  const labels = encodeURIComponent(`!${injectedLabel},!${watchdogLabel}`);
  const fields = encodeURIComponent(
    "status.phase!=Succeeded,status.phase!=Failed",
  );
  let more = "";
  do {
    const page = await api.listMetadata<
      Listed<KubernetesObject> & { metadata?: { continue?: string } }
    >(
      `/api/v1/pods?labelSelector=${labels}&fieldSelector=${fields}&limit=${pageSize}${more && `&continue=${encodeURIComponent(more)}`}`,
    );
    for (const { metadata } of page.items)
      if (isTruthy(readAnnotations(metadata).text("enabled"))) yield metadata;
    more = page.metadata?.continue ?? "";
  } while (more);
}
