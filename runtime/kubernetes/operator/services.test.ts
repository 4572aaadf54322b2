import { fakeApi, fakeCache } from "../../../tests/support/fake-kubernetes.ts";
import { recordingLog } from "../../../tests/support/recording-log.ts";
import { waitFor } from "../../../tests/wait-for.ts";
import { KubeError } from "../api/client.ts";
import type { Workload } from "../api/objects.ts";
import { appServiceOf, type Service } from "./app-service.ts";
import { reconcileServices } from "./reconcile-services.ts";

/** What Prometheus looks for; it goes before what a user says. */
const scraped = {
  "prometheus.io/probe": "true",
  "prometheus.io/scrape": "true",
  "prometheus.io/port": "9090",
  "prometheus.io/path": "/",
};

const path = "/api/v1/namespaces/shop/services/orders-dapr";

function workload(
  name: string,
  annotations: Record<string, string> = { enabled: "yes", "app-id": "orders" },
  generation = 1,
): Workload {
  return {
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      generation,
    } as Workload["metadata"],
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: {
          annotations: Object.fromEntries(
            Object.entries(annotations).map(([key, value]) => [
              `dapr.io/${key}`,
              value,
            ]),
          ),
        },
      },
    },
  };
}

test("the Service is headless, named after the app id and owned by the workload", () => {
  const service = appServiceOf(workload("web"), "StatefulSet", false);
  expect(service).toEqual({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "orders-dapr",
      namespace: "shop",
      labels: { "dapr.io/enabled": "true" },
      annotations: {
        "dapr.io/app-id": "orders",
        ...scraped,
      },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "StatefulSet",
          name: "web",
          uid: "uid-web",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      clusterIP: "None",
      selector: { app: "web" },
      ports: [
        { name: "dapr-http", port: 80, targetPort: 3500, protocol: "TCP" },
        {
          name: "dapr-grpc",
          port: 50001,
          targetPort: 50001,
          protocol: "TCP",
        },
        {
          name: "dapr-internal",
          port: 50002,
          targetPort: 50002,
          protocol: "TCP",
          appProtocol: "grpc",
        },
        {
          name: "dapr-metrics",
          port: 9090,
          targetPort: 9090,
          protocol: "TCP",
        },
      ],
    },
  });
});

test("without metrics Prometheus is told nothing", () => {
  const off = {
    enabled: "true",
    "app-id": "orders",
    "enable-metrics": "false",
  };
  const service = appServiceOf(workload("web", off), "Deployment", false);
  expect(service?.metadata.annotations).toEqual({ "dapr.io/app-id": "orders" });
});

test("annotations change it", () => {
  const service = appServiceOf(
    workload("web", {
      enabled: "true",
      "app-id": "orders",
      "internal-grpc-port": "50012",
      "sidecar-svc-annotations": "a=1,b=x=y",
    }),
    "Deployment",
    true,
  );
  expect(service?.metadata.annotations).toEqual({
    a: "1",
    b: "x=y",
    ...scraped,
    "dapr.io/app-id": "orders",
  });
  expect(service?.spec.ports[2]).toMatchObject({
    port: 50012,
    appProtocol: "tls",
  });
});

test("a pair that can't be an annotation is left out, and the rest made", async () => {
  const { deployments, inApi, log } = setUp();
  const long = "x".repeat(64);
  deployments.set(
    workload("web", {
      enabled: "true",
      "app-id": "orders",
      "sidecar-svc-annotations": `prometheus.io/scrape=false,bad key=1,a/b/c=1,${long}=1,alone,,=x,A.b_c-d=,__proto__=1`,
    }),
  );
  await waitFor("the Service", () => inApi() !== undefined);
  await waitFor("the warnings", () => log.lines.length > 6);
  expect(inApi()?.metadata.annotations).toEqual({
    "A.b_c-d": "",
    ...scraped,
    "dapr.io/app-id": "orders",
  });
  expect(log.lines.slice(1)).toEqual(
    ["bad key=1", "a/b/c=1", `${long}=1`, "alone", "=x", "__proto__=1"].map(
      (pair) =>
        `warning Deployment shop/web: annotation dapr.io/sidecar-svc-annotations: "${pair}" is not KEY=VALUE with a key that an annotation can have; left out`,
    ),
  );
});

test("a workload without a sidecar or an app id has none", () => {
  for (const annotations of [
    {},
    { enabled: "false", "app-id": "a" },
    { enabled: "true" },
  ])
    expect(
      appServiceOf(
        workload("web", annotations as Record<string, string>),
        "Deployment",
        false,
      ),
    ).toBeUndefined();
});

const running: { stop(): void }[] = [];
afterEach(() => {
  for (const reconciler of running.splice(0)) reconciler.stop();
  jest.useRealTimers();
});

/** The API's objects, seen by an informer that is never behind. */
function setUp(objects: Record<string, object> = {}) {
  const api = fakeApi(objects);
  const deployments = fakeCache<Workload>();
  const statefulSets = fakeCache<Workload>();
  const services = fakeCache<Service>();
  const log = recordingLog();
  const { create, replace } = api;
  api.create = async (at, body) => {
    const made = await create(at, body);
    services.set(made as Service);
    return made as never;
  };
  api.replace = async (at, body) => {
    const made = await replace(at, body);
    services.set(made as Service);
    return made as never;
  };
  const reconciler = reconcileServices({
    api,
    deployments,
    statefulSets,
    services,
    mtls: () => false,
    log,
  });
  running.push(reconciler);
  const inApi = () => api.objects.get(path) as Service | undefined;
  return { api, deployments, statefulSets, services, log, inApi };
}
type Cluster = ReturnType<typeof setUp>;

test("made, changed with the annotations, and made again when deleted", async () => {
  const { api, deployments, services, inApi, log } = setUp();
  deployments.set(workload("web"));
  await waitFor("the Service", () => inApi() !== undefined);
  deployments.set(
    workload(
      "web",
      { enabled: "true", "app-id": "orders", "metrics-port": "9191" },
      2,
    ),
  );
  await waitFor("the port", () => inApi()?.spec.ports[3]?.port === 9191);
  api.objects.delete(path);
  services.remove("shop", "orders-dapr");
  await waitFor("it again", () => inApi() !== undefined);
  expect(log.lines).toEqual([
    "info Deployment shop/web: made the Service orders-dapr",
    "info Deployment shop/web: changed the Service orders-dapr",
    "info Deployment shop/web: made the Service orders-dapr",
  ]);
});

test("a status that changes costs no call", async () => {
  const { api, deployments, inApi } = setUp();
  deployments.set(workload("web"));
  await waitFor("the Service", () => inApi() !== undefined);
  const calls = api.calls.length;
  deployments.set({ ...workload("web"), status: { readyReplicas: 1 } });
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(api.calls).toHaveLength(calls);
});

test("of two workloads with one app id the first keeps the Service, and the log says so", async () => {
  const { deployments, inApi, log } = setUp();
  deployments.set(workload("web"));
  await waitFor("the Service", () => inApi() !== undefined);
  deployments.set(workload("copy"));
  await waitFor("a warning", () => log.lines.length > 1);
  expect(log.lines[1]).toContain("belongs to Deployment web already");
  expect(inApi()?.spec.selector).toEqual({ app: "web" });
});

test("an app id that can't name a Service is said, not tried", async () => {
  const { deployments, api, log } = setUp();
  deployments.set(workload("web", { enabled: "true", "app-id": "1a" }));
  await waitFor("a warning", () => log.lines.length > 0);
  expect(log.lines[0]).toContain('dapr.io/app-id: "1a" can\'t be an app id');
  expect(api.calls).toEqual([]);
});

test.each([
  [
    "renamed",
    ({ deployments, services, api }: Cluster) => {
      // the garbage collector takes the Service with its owner
      deployments.remove("shop", "web");
      api.objects.delete(path);
      services.remove("shop", "orders-dapr");
    },
  ],
  [
    "gone without its Service",
    ({ deployments }: Cluster) => deployments.remove("shop", "web"),
  ],
  [
    "under another app id",
    ({ deployments }: Cluster) =>
      deployments.set(
        workload("web", { enabled: "true", "app-id": "other" }, 2),
      ),
  ],
])("the first of them %s: the Service is the second's", async (_, change) => {
  const cluster = setUp();
  const { deployments, statefulSets, inApi, log } = cluster;
  deployments.set(workload("web"));
  await waitFor("the Service", () => inApi() !== undefined);
  statefulSets.set(workload("next"));
  await waitFor("a warning", () => log.lines.length > 1);
  change(cluster);
  await waitFor("it", () => inApi()?.spec.selector["app"] === "next");
  expect(inApi()?.metadata.ownerReferences).toMatchObject([
    { kind: "StatefulSet", name: "next" },
  ]);
});

test("what lasts is said once, tried ever more seldom, and at once when the workload changes", async () => {
  jest.useFakeTimers({
    doNotFake: ["setImmediate", "nextTick", "queueMicrotask"],
  });
  const { api, deployments, inApi, log } = setUp();
  const { create } = api;
  let tries = 0;
  api.create = async () => {
    tries++;
    throw new KubeError("POST", 422, "spec.ports[0]: Invalid value");
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  deployments.set(workload("web"));
  await settled();
  await settled();
  for (let seconds = 0; seconds < 600; seconds++)
    await jest.advanceTimersByTimeAsync(1_000);
  // at 0, 5, 15, 35, 75, 155, 275, 395 and 515 s
  expect(tries).toBe(9);
  deployments.set(workload("other"));
  await settled();
  await settled();
  expect(tries).toBe(10);
  expect(log.lines).toEqual([
    "warning Deployment shop/web: its Service: POST: 422 spec.ports[0]: Invalid value",
    "warning Deployment shop/other: its Service: POST: 422 spec.ports[0]: Invalid value",
  ]);
  api.create = create;
  deployments.set(
    workload("web", { enabled: "true", "app-id": "orders", n: "2" }, 2),
  );
  await settled();
  await settled();
  expect(inApi()).toBeDefined();
});

test("a Service of somebody else's is left alone", async () => {
  const { deployments, inApi, log } = setUp({
    [path]: { metadata: { name: "orders-dapr" }, spec: { ports: [] } },
  });
  deployments.set(workload("web"));
  await waitFor("a warning", () => log.lines.length > 0);
  expect(log.lines[0]).toContain("orders-dapr exists and was not made by Dapr");
  expect(inApi()?.spec).toEqual({ ports: [] });
});

test("an annotation that there is not is told where no injector sees the pods", async () => {
  const { log, deployments } = setUp();
  deployments.set(workload("web", { enable: "true", "app-id": "web" }));
  deployments.set(workload("shop", { enabled: "true", "app-prot": "1" }));
  expect(log.lines.filter((line) => line.includes("not known"))).toEqual([
    "warning Deployment shop/web: annotation dapr.io/enable is not known, so it has no effect; did you mean dapr.io/enabled?",
  ]);
});
