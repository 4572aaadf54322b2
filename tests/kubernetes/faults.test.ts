/** The tutorials' own files on a real cluster while things start late or are killed: pods wait and recover, and no order is lost. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import {
  apply,
  cleanUp,
  eventually,
  injects,
  install,
  kubectl,
  loadImages,
  eventuallyMs,
  ready,
  root,
  yaml,
} from "./cluster.ts";
import { watchOrders, type Orders } from "./orders.ts";
import { containersOf, podsIn, restartsOf } from "./pods.ts";

const pods = podsIn("dapr-faults");
const kafka = join(root, "kafka-non-persistence.yaml");
/** The apps, by the label `app` of their pods. */
const apps = ["node", "producer", "bindingsnodeapp", "bindingsproducerapp"];
const deployments = [
  "nodeapp",
  "producerapp",
  "bindings-nodeapp",
  "bindings-producerapp",
];
const redis = parseAllDocuments(
  readFileSync(join(root, "deploy/redis.yaml"), "utf8"),
);
/** All files of the folder but redis.yaml, which contains the Secret too. */
const withoutRedis = readdirSync(join(root, "deploy")).filter(
  (file) => file.endsWith(".yaml") && file !== "redis.yaml",
);
let invoked: Orders;
let bound: Orders;

beforeAll(() => {
  loadImages("redis:7", "apache/kafka:4.1.1");
  kubectl(["create", "namespace", pods.namespace]);
  const [node, producer, bindingsnodeapp, bindingsproducerapp] = [
    { app: "node", container: "node" },
    { app: "producer", container: "producer" },
    { app: "bindingsnodeapp", container: "node" },
    { app: "bindingsproducerapp", container: "producer" },
  ] as const;
  invoked = watchOrders(pods, producer, node, /Order ID: (\d+)/g);
  bound = watchOrders(
    pods,
    bindingsproducerapp,
    bindingsnodeapp,
    /\{ orderId: (\d+) \}/g,
  );
}, 600_000);

afterAll(() => {
  invoked.stop();
  bound.stop();
  cleanUp(pods.namespace, "kafka");
});

const podOf = (app: string) => pods.of(app)[0]?.metadata.name as string;
const kill = (app: string) =>
  pods.kubectl(["delete", "pod", podOf(app), "--force", "--grace-period=0"]);
/** Waits for more orders, and expects that no order since the first was lost. */
const ordersGoOn = () => Promise.all([invoked.goOn(), bound.goOn()]);
const readyWithoutRestart = async (...names: string[]) => {
  for (const app of names)
    expect(Object.values(restartsOf(await pods.ready(app)))).toEqual([0, 0]);
};

test("apps from before the control plane get their sidecar, and then their components", async () => {
  expect(() => pods.deploy(...withoutRedis)).toThrow(
    // the error of a kubectl that has never seen the kind in this cluster, or of one that has
    /no matches for kind "Component"|the server could not find the requested resource/,
  );
  for (const app of apps)
    await eventually(`${app} to run alone`, () =>
      pods.of(app).some(pods.isReady),
    );
  expect(apps.map((app) => containersOf(pods.of(app)[0]))).toEqual([
    "node",
    "producer",
    "node",
    "producer",
  ]);
  install();
  await readyWithoutRestart(...apps);
  await pods.logged("node", "node", "Got a new order!");
  pods.deploy(...withoutRedis);
  expect(kubectl(["-n", pods.namespace, "get", "components"])).toMatch(
    /sample-topic +bindings\.kafka(.*\n)+statestore +state\.redis/,
  );
});

test("a missing Secret is named where users look, holds up only its component, and works once it is created", async () => {
  const missing = `Secret ${pods.namespace}/redis does not exist: create it`;
  await pods.logged("node", "daprd", missing);
  // Running pods stay ready, and new ones are not ready.
  await readyWithoutRestart("node");
  apply(
    yaml({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { name: "memory", namespace: pods.namespace },
      spec: { type: "state.in-memory", version: "v1", metadata: [] },
    }),
  );
  kill("node");
  await pods.logged("node", "daprd", missing);
  await pods.logged("node", "daprd", "Component loaded: memory");
  await pods.logged("node", "daprd", "not ready before these components open");
  expect(pods.of("node").some(pods.isReady)).toBe(false);
  const [secret] = redis;
  apply(String(secret), "-n", pods.namespace);
  await pods.logged("node", "daprd", "redis-master:6379");
});

test("pods wait for a Redis that starts late", async () => {
  pods.deploy("redis.yaml");
  await readyWithoutRestart("node");
  await pods.logged("node", "node", "Successfully persisted state");
});

test("pods wait for a Kafka that starts late", async () => {
  const late = ["bindingsnodeapp", "bindingsproducerapp"];
  late.forEach(kill);
  for (const app of late)
    await pods.logged(app, "daprd", "dapr-kafka.kafka:9092");
  await readyWithoutRestart(...late);
  kubectl(["apply", "-f", kafka]);
  await bound.goOn();
  await readyWithoutRestart(...late);
});

test.each(["dapr-operator", "dapr-sidecar-injector"])(
  "when %s is killed, no order is lost, and none fails",
  async (part) => {
    await ordersGoOn();
    const failures = () => [...invoked.failures(), ...bound.failures()];
    const before = failures();
    const all = ["-n", "dapr-system", "pod", "-l", `app=${part}`];
    kubectl(["delete", ...all, "--force", "--grace-period=0"]);
    await ordersGoOn();
    ready("dapr-system", part);
    await eventually("new pods to be injected", injects);
    expect(failures()).toEqual(before);
    await readyWithoutRestart(...apps);
  },
);

test("when consumers are killed, orders go on, and those sent meanwhile arrive", async () => {
  const before = ["node", "bindingsnodeapp"].map(podOf);
  kill("node");
  kill("bindingsnodeapp");
  await ordersGoOn();
  await readyWithoutRestart("node", "bindingsnodeapp");
  expect(["node", "bindingsnodeapp"].map(podOf)).not.toEqual(before);
});

/** A script that kills the sidecar. It runs in the sidecar's container, which has little but Node. */
const killSidecar = `
  const { readdirSync, readFileSync } = require("node:fs");
  const isSidecar = (pid) =>
    readFileSync("/proc/" + pid + "/cmdline", "utf8").includes("\\0--app-id\\0");
  const pid = readdirSync("/proc").filter(Number).find(isSidecar);
  process.kill(Number(pid), "SIGKILL");`;

describe("sidecars killed", () => {
  beforeAll(async () => {
    // The containers of a pod share their processes, so that one can kill another's first process.
    const shared =
      '{"spec":{"template":{"spec":{"shareProcessNamespace":true}}}}';
    for (const name of deployments)
      pods.kubectl(["patch", `deployment/${name}`, "-p", shared]);
    ready(pods.namespace, ...deployments);
    for (const app of apps) await pods.when(app, 1);
    await ordersGoOn();
  }, eventuallyMs * 3);

  test.each(apps)(
    "of %s: each is restarted beside the same app, and no order is lost",
    async (app) => {
      const { metadata } = await pods.ready(app);
      const inSidecar = ["exec", metadata.name, "-c", "daprd", "--"];
      try {
        pods.kubectl([...inSidecar, "node", "-e", killSidecar]);
      } catch (error) {
        // The script is killed together with its container.
        if (!(error as Error).message.trim().endsWith("exit code 137"))
          throw error;
      }
      await eventually("its restart", () =>
        pods.of(app).some((pod) => restartsOf(pod)["daprd"] === 1),
      );
      await ordersGoOn();
      const pod = await pods.ready(app);
      expect(pod.metadata.name).toBe(metadata.name);
      expect(Object.values(restartsOf(pod)).toSorted()).toEqual([0, 1]);
    },
  );
});
