/** The operator: caches of what it watches, and on top of them Services, API and watchdog. They are closed in reverse. */
import { KubeConfig } from "@kubernetes/client-node";
import type { Logger } from "../../shared/log.ts";
import { issueInProcess } from "../certificates/issuer.ts";
import {
  keepServing,
  type ServingCertificate,
} from "../certificates/serving.ts";
import { serveHealth } from "../health.ts";
import { inClusterApi } from "../api/client.ts";
import {
  controlPlaneId,
  daprSystem,
  defaultClusterDomain,
  defaultNamespace,
  operator,
  tokenAudience,
} from "../names.ts";
import type { KubernetesObject, Workload } from "../api/objects.ts";
import { serveApi, type ApiServer } from "./api-server.ts";
import type { Service } from "./app-service.ts";
import { openCallers } from "./callers.ts";
import { openFeed, type Feed } from "./feed.ts";
import { reconcileServices } from "./reconcile-services.ts";
import { openCache, type ResourceCache } from "./resource-cache.ts";
import {
  daprKinds,
  daprPath,
  type DaprKind,
  type DaprObject,
} from "./resources.ts";
import { secretReader } from "./secrets.ts";
import { readWatchInterval, startWatchdog } from "./watchdog.ts";

/** Runs until `stopping`. */
export async function runOperator(
  log: Logger,
  stopping: AbortSignal,
): Promise<void> {
  const namespace = process.env["NAMESPACE"] || defaultNamespace;
  const clusterDomain =
    process.env["KUBE_CLUSTER_DOMAIN"] || defaultClusterDomain;
  const trustDomain = process.env["DAPR_TRUST_DOMAIN"] || defaultClusterDomain;
  const watch = readWatchInterval(process.env["WATCH_INTERVAL"] || "10s");
  const api = inClusterApi();
  const cluster = new KubeConfig();
  cluster.loadFromCluster();

  let waitsFor: string | undefined = "the serving certificate";
  await using opened = new AsyncDisposableStack();
  const health = await serveHealth(() =>
    stopping.aborted ? "stopping" : waitsFor,
  );
  opened.defer(() => void health.close());

  let server: ApiServer | undefined;
  let certificate: ServingCertificate | undefined;
  const host = `${operator.service}.${namespace}`;
  const serving = await keepServing({
    api,
    namespace,
    trustDomain,
    issue: issueInProcess,
    log,
    uri: controlPlaneId(trustDomain, namespace, operator.name),
    dnsNames: [host, `${host}.svc`, `${host}.svc.${clusterDomain}`],
    use: (fresh) => {
      certificate = fresh;
      server?.use(fresh);
    },
  });
  opened.defer(() => serving.stop());

  waitsFor = "the first lists of what it watches";
  const open = async <T extends KubernetesObject>(
    path: string,
    labelSelector?: string,
  ) => {
    const query = labelSelector ? { labelSelector } : {};
    const cache = await openCache<T>(path, query, { api, cluster, log });
    opened.defer(() => cache.stop());
    return cache;
  };
  const kinds = Object.keys(daprKinds) as DaprKind[];
  const [deployments, statefulSets, services, ...resources] = await Promise.all(
    [
      open<Workload>("/apis/apps/v1/deployments"),
      open<Workload>("/apis/apps/v1/statefulsets"),
      open<Service>("/api/v1/services", "dapr.io/enabled=true"),
      ...kinds.map((kind) => open<DaprObject>(daprPath(kind))),
    ],
  );
  const cacheOf = Object.fromEntries(
    kinds.map((kind, index) => [kind, resources[index]]),
  ) as Record<DaprKind, ResourceCache<DaprObject>>;

  const read = secretReader(api);
  const feeds = {} as Record<DaprKind, Feed>;
  for (const kind of kinds) {
    const feed = openFeed(kind, cacheOf[kind], read, log);
    opened.defer(() => feed.stop());
    feeds[kind] = feed;
  }

  const mtls = () => {
    const system = cacheOf.configurations.get(namespace, daprSystem);
    const spec = system?.spec?.["mtls"] as { enabled?: boolean } | undefined;
    return spec?.enabled ?? true;
  };
  const reconciler = reconcileServices({
    api,
    deployments,
    statefulSets,
    services,
    mtls,
    log,
  });
  opened.defer(() => reconciler.stop());

  const callers = openCallers(api, tokenAudience(trustDomain, namespace));
  server = await serveApi(
    { feeds, callers, log },
    certificate as unknown as ServingCertificate,
  );
  opened.defer(() => server?.close());
  if (watch) {
    const watchdog = startWatchdog({
      api,
      deployments,
      namespace,
      intervalMs: watch.intervalMs,
      log,
    });
    opened.defer(() => watchdog.stop());
  }
  waitsFor = undefined;
  log.info(`ready: serving sidecars on port ${server.port}`);
  await new Promise((resolve) => stopping.addEventListener("abort", resolve));
}
