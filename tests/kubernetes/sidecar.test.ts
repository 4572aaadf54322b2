/** Sidecars on a real cluster: what they wait for, what changes while they run, and what still works when parts of the control plane are down. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  apply,
  cleanUp,
  eventually,
  install,
  kubectl,
  loadImages,
  ready,
  root,
} from "./cluster.ts";
import { podsIn, restartsOf } from "./pods.ts";

const pods = podsIn("dapr-sidecar-test");
const { namespace, deploy, logged } = pods;

beforeAll(() => {
  loadImages("redis:7");
  install();
  kubectl(["create", "namespace", namespace]);
}, 600_000);

afterAll(() => {
  cleanUp(namespace);
});

const orders = () =>
  pods.log("producer", "producer").match(/: 200$/gm)?.length ?? 0;
const moreOrders = async () => {
  const before = orders();
  await eventually("more orders", () => orders() > before + 1);
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

test("sidecars wait for an operator that is down, without a restart, and log that", async () => {
  scaleOperator(0);
  deploy("node.yaml");
  await logged("node", "daprd", "can't be reached");
  expect(pods.of("node").some(pods.isReady)).toBe(false);
  scaleOperator(1);
  expect(restartsOf(await pods.ready("node"))).toEqual({ node: 0, daprd: 0 });
});

/** Its sidecar says more. */
const talkative = (file: string) =>
  readFileSync(join(root, "deploy", file), "utf8").replace(
    /(\n +)dapr\.io\/enabled: .*/,
    '$&$1dapr.io/log-level: "debug"',
  );

test("apps find each other, their sidecars speak their own protocol, and components applied after them take effect", async () => {
  pods.kubectl(["apply", "-f", "-"], talkative("producer.yaml"));
  await pods.ready("producer");
  const { metadata } = await pods.ready("node");
  await logged("node", "node", "Got a new order!");
  await logged("producer", "daprd", "speaks the direct protocol");
  expect(pods.log("node", "node")).not.toContain(
    "Successfully persisted state",
  );
  deploy("redis.yaml");
  deploy("statestore.yaml");
  await logged("node", "node", "Successfully persisted state");
  expect((await pods.ready("node")).metadata.name).toBe(metadata.name);
});

test("orders flow while the operator is down, and changes arrive once it is back", async () => {
  const { metadata } = await pods.ready("node");
  kubectl(["-n", "dapr-system", "delete", "pod", "-l", "app=dapr-operator"]);
  await moreOrders();
  apply(component("memory", "state.in-memory"));
  await logged("node", "daprd", "Component loaded: memory");
  pods.kubectl(["delete", "component", "memory"]);
  await logged("node", "daprd", "Component removed: memory");
  const pod = await pods.ready("node");
  expect(pod.metadata.name).toBe(metadata.name);
  expect(restartsOf(pod)).toEqual({ node: 0, daprd: 0 });
});

test("orders go on when the app's pod is replaced", async () => {
  const { metadata } = await pods.ready("node");
  pods.kubectl(["delete", "pod", metadata.name, "--wait=false"]);
  await logged("node", "node", "Successfully persisted state");
  await moreOrders();
  expect((await pods.ready("node")).metadata.name).not.toBe(metadata.name);
});

test("a wrong component takes no running pod out of service, holds up new ones, and works once it is corrected", async () => {
  apply(component("memory", "state.nonsense"));
  await logged("node", "daprd", "couldn't find state store state.nonsense");
  await pods.ready("node");
  pods.kubectl(["delete", "pod", "-l", "app=producer"]);
  await logged("producer", "daprd", "couldn't find state store state.nonsense");
  await logged("producer", "daprd", "dapr initialized");
  expect(pods.of("producer").some(pods.isReady)).toBe(false);
  apply(component("memory", "state.in-memory"));
  await pods.ready("producer");
});
