import { fakeApi, fakeCache } from "../../../tests/support/fake-kubernetes.ts";
import { recordingLog } from "../../../tests/support/recording-log.ts";
import { waitFor } from "../../../tests/wait-for.ts";
import type { Pod, Workload } from "../api/objects.ts";
import { readWatchInterval, startWatchdog } from "./watchdog.ts";

const list =
  "/api/v1/pods?labelSelector=!dapr.io%2Fsidecar-injected%2C!dapr.io%2Fwatchdog-patched&fieldSelector=status.phase!%3DSucceeded%2Cstatus.phase!%3DFailed&limit=500";
const injectorWith = (readyReplicas: number): Workload => ({
  metadata: {
    name: "dapr-sidecar-injector",
    namespace: "dapr-system",
    labels: { app: "dapr-sidecar-injector" },
  },
  spec: { template: {} },
  status: { readyReplicas },
});

function pod(name: string, more: Partial<Pod["metadata"]> = {}): Pod {
  return {
    metadata: {
      name,
      namespace: "shop",
      uid: `uid-${name}`,
      annotations: { "dapr.io/enabled": "true" },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: "rs",
          uid: "u",
          controller: true,
        },
      ],
      ...more,
    },
    spec: { containers: [{ name: "app" }] },
  };
}

const running: { stop(): void }[] = [];
afterEach(() => {
  for (const watchdog of running.splice(0)) watchdog.stop();
});

function start(readyReplicas: number, ...pods: Pod[]) {
  const pathOf = ({ metadata }: Pod) =>
    `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
  const api = fakeApi(
    Object.fromEntries(pods.map((one) => [pathOf(one), one])),
  );
  let looks = 0;
  api.answers.set(list, () => {
    looks++;
    return { items: pods.map(({ metadata }) => ({ metadata })) };
  });
  const deployments = fakeCache(injectorWith(readyReplicas));
  const log = recordingLog();
  const namespace = "dapr-system";
  running.push(
    startWatchdog({ api, deployments, namespace, intervalMs: 20, log }),
  );
  const left = () =>
    [...api.objects.values()].map(({ metadata }) => metadata.name);
  /** As its controller makes it anew. */
  const bringBack = (one: Pod) => {
    one.metadata.creationTimestamp = new Date().toISOString();
    pods.splice(0, pods.length, one);
    api.objects.set(pathOf(one), one);
  };
  return { left, log, looks: () => looks, deployments, api, bringBack };
}

test("pods that missed their sidecar are deleted, others stay", async () => {
  const injected = pod("injected");
  injected.spec.containers?.push({ name: "daprd" });
  const { left, log } = start(
    1,
    pod("missed"),
    injected,
    pod("plain", { annotations: {} }),
    pod("off", { annotations: { "dapr.io/enabled": "false" } }),
    pod("ending", { deletionTimestamp: "now" }),
    pod("bare", { ownerReferences: [] }),
    pod("yes", { annotations: { "dapr.io/enabled": "yes" } }),
  );
  await waitFor("the deletion", () => !left().includes("missed"));
  await waitFor("the warning", () => log.lines.length > 2);
  expect(left()).toEqual(["injected", "plain", "off", "ending", "bare", "yes"]);
  expect(log.lines).toEqual([
    "info pod shop/missed had missed its sidecar: deleted, to be made anew",
    "warning pod shop/bare has no sidecar, and no controller that would make it anew: delete and create it yourself",
    'warning pod shop/yes has no sidecar, because dapr.io/enabled is "yes": only "true" adds one',
  ]);
});

test.each(["y", "Yes", "1", "on", "t"])(
  "enabled %s, by which the webhook adds nothing: left alone, said once",
  async (enabled) => {
    const { left, log, looks } = start(
      1,
      pod("odd", { annotations: { "dapr.io/enabled": enabled } }),
    );
    await waitFor("three rounds", () => looks() > 3);
    expect(left()).toEqual(["odd"]);
    expect(log.lines).toHaveLength(1);
  },
);

test("pods that have ended, that a Job made, or in the control plane's namespace stay", async () => {
  const job = (name: string, phase: string) => ({
    ...pod(name, {
      ownerReferences: [
        {
          apiVersion: "batch/v1",
          kind: "Job",
          name: "import",
          uid: "j",
          controller: true,
        },
      ],
    }),
    spec: { containers: [{ name: "app" }], restartPolicy: "Never" },
    status: { phase },
  });
  const { left, log, looks } = start(
    1,
    job("running", "Running"),
    job("done", "Succeeded"),
    { ...pod("evicted"), status: { phase: "Failed" } },
    pod("own", { namespace: "dapr-system" }),
  );
  await waitFor("three rounds", () => looks() > 3);
  expect(left()).toEqual(["running", "done", "evicted", "own"]);
  expect(log.lines).toEqual([
    "warning pod shop/running has no sidecar, and runs to an end: Job import would take its deletion for a failure; delete and create that anew",
    "warning pod dapr-system/own has no sidecar, because pods in the control plane's namespace get none: move the app to another namespace",
  ]);
});

test("nothing is deleted while no injector is ready", async () => {
  const { left, looks, deployments } = start(0, pod("missed"));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(looks()).toBe(0);
  expect(left()).toEqual(["missed"]);
  deployments.set(injectorWith(1));
  await waitFor("the deletion", () => left().length === 0);
});

test("pods that come back without a sidecar are not deleted for ever", async () => {
  const { left, log, api, bringBack } = start(1, pod("missed"));
  for (let times = 1; times <= 4; times++) {
    await waitFor("the deletion", () => left().length === 0);
    bringBack(pod("missed", { uid: `uid-${times}` }));
  }
  await waitFor("the warning", () => log.lines.length === 5);
  expect(log.lines.at(-1)).toBe(
    "warning pod shop/missed has no sidecar, and came back without one each time it was deleted: the log of the injector says why",
  );
  expect(api.objects.size).toBe(1);
});

test("at most twenty a minute", async () => {
  const pods = Array.from({ length: 30 }, (_, index) => pod(`p${index}`));
  const { left, looks } = start(1, ...pods);
  await waitFor("three rounds", () => looks() > 3);
  expect(left()).toHaveLength(10);
});

test("the interval is 0, once or a duration", () => {
  expect(readWatchInterval("0")).toBeUndefined();
  expect(readWatchInterval("once")).toEqual({ intervalMs: undefined });
  expect(readWatchInterval("2m")).toEqual({ intervalMs: 120_000 });
  for (const bad of ["", "10", "500ms", "x"])
    expect(() => readWatchInterval(bad)).toThrow("WATCH_INTERVAL");
});
