/** Sidecars on a real cluster: what they wait for, what changes while they run, and what goes on when parts of it are away. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../wait-for.ts";
import {
  apply,
  getJson,
  install,
  kubectl,
  loadImages,
  ready,
  uninstall,
} from "./cluster.ts";

jest.setTimeout(180_000);

const namespace = "dapr-sidecar-test";
const patienceMs = 60_000;
let image: string;

beforeAll(async () => {
  image = loadImages("redis:7");
  await install(image);
  kubectl(["create", "namespace", namespace]);
}, 600_000);

afterAll(async () => {
  kubectl(["delete", "namespace", namespace, "--ignore-not-found"]);
  await uninstall(image);
}, 180_000);

const deploy = (file: string) =>
  apply(
    readFileSync(join(__dirname, "../../deploy", file), "utf8"),
    "-n",
    namespace,
  );

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  status: {
    containerStatuses?: {
      name: string;
      ready: boolean;
      restartCount: number;
    }[];
  };
}

const podsOf = (app: string): Pod[] =>
  getJson("-n", namespace, "pods", "-l", `app=${app}`).items.filter(
    ({ metadata }: Pod) => !metadata.deletionTimestamp,
  );
const isReady = ({ status }: Pod) =>
  status.containerStatuses?.length === 2 &&
  status.containerStatuses.every((container) => container.ready);
const readyPod = (app: string) =>
  waitFor(`${app} to be 2/2`, () => podsOf(app).find(isReady), patienceMs);

/** What the app's newest pod has said; nothing before the container runs. */
function log(app: string, container: string): string {
  const pod = podsOf(app)[0]?.metadata.name;
  if (!pod) return "";
  try {
    return kubectl(["-n", namespace, "logs", pod, "-c", container]);
  } catch (error) {
    if (/waiting to start/.test((error as Error).message)) return "";
    throw error;
  }
}
const logged = (app: string, container: string, text: string) =>
  waitFor(
    `"${text}" in the log of ${app}'s ${container}`,
    () => log(app, container).includes(text),
    patienceMs,
  );
const orders = () => log("producer", "producer").match(/: 200$/gm)?.length ?? 0;
const moreOrders = async () => {
  const before = orders();
  await waitFor("more orders", () => orders() > before + 1, patienceMs);
};

function scaleOperator(replicas: number): void {
  const operator = ["-n", "dapr-system", "deployment/dapr-operator"];
  kubectl(["scale", ...operator, `--replicas=${replicas}`]);
  if (replicas > 0) ready("dapr-system", "dapr-operator");
  else
    kubectl([
      "-n",
      "dapr-system",
      "wait",
      "--for=delete",
      "pod",
      "-l",
      "app=dapr-operator",
      "--timeout=60s",
    ]);
}

const component = (name: string, type: string) =>
  JSON.stringify({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name, namespace },
    spec: { type, version: "v1", metadata: [] },
  });

test("an operator that is away is waited for: no restart, and said", async () => {
  scaleOperator(0);
  deploy("node.yaml");
  await logged("node", "daprd", "can't be reached");
  expect(podsOf("node").some(isReady)).toBe(false);
  scaleOperator(1);
  const { status } = await readyPod("node");
  for (const { restartCount } of status.containerStatuses!)
    expect(restartCount).toBe(0);
});

test("apps find each other, and components applied after them take effect", async () => {
  deploy("producer.yaml");
  await readyPod("producer");
  const { metadata } = await readyPod("node");
  await logged("node", "node", "Got a new order!");
  expect(log("node", "node")).not.toContain("Successfully persisted state");
  deploy("redis.yaml");
  deploy("statestore.yaml");
  await logged("node", "node", "Successfully persisted state");
  expect((await readyPod("node")).metadata.name).toBe(metadata.name);
});

test("orders flow while the operator is gone, and changes arrive by its successor", async () => {
  const { metadata } = await readyPod("node");
  kubectl(["-n", "dapr-system", "delete", "pod", "-l", "app=dapr-operator"]);
  await moreOrders();
  apply(component("memory", "state.in-memory"));
  await logged("node", "daprd", "Component loaded: memory");
  kubectl(["-n", namespace, "delete", "component", "memory"]);
  await logged("node", "daprd", "Component removed: memory");
  const pod = await readyPod("node");
  expect(pod.metadata.name).toBe(metadata.name);
  expect(pod.status.containerStatuses![0]!.restartCount).toBe(0);
});

test("orders go on when the app's pod is another", async () => {
  const { metadata } = await readyPod("node");
  kubectl(["-n", namespace, "delete", "pod", metadata.name, "--wait=false"]);
  await logged("node", "node", "Successfully persisted state");
  await moreOrders();
  expect((await readyPod("node")).metadata.name).not.toBe(metadata.name);
});

test("a wrong component takes no pod out of service, holds up new ones, and heals by its change", async () => {
  apply(component("memory", "state.nonsense"));
  await logged("node", "daprd", "couldn't find state store state.nonsense");
  await readyPod("node");
  kubectl(["-n", namespace, "delete", "pod", "-l", "app=producer"]);
  await logged("producer", "daprd", "couldn't find state store state.nonsense");
  await logged("producer", "daprd", "dapr initialized");
  expect(podsOf("producer").some(isReady)).toBe(false);
  apply(component("memory", "state.in-memory"));
  await readyPod("producer");
});
