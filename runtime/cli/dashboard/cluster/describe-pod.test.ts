import type { Container, Pod } from "../../kubernetes/pods.ts";
import {
  describePod,
  isOver,
  keyOf,
  variableOf,
  whyUnreachable,
} from "./describe-pod.ts";

const daprd = (more: Partial<Container> = {}): Container => ({
  name: "daprd",
  image: "d",
  args: ["/daprd", "--dapr-http-port", "3500", "--app-id", "shop"],
  ...more,
});
const app = { name: "web", image: "web:1" };

const running = { running: { startedAt: "2026-11-21T08:00:05Z" } };
function pod(more: Partial<Pod["spec"] & Pod["status"]> = {}): Pod {
  const {
    containers = [app, daprd()],
    initContainers,
    containerStatuses = [{ name: "daprd", ready: true, state: running }],
    ...status
  } = more;
  return {
    kind: "Pod",
    metadata: {
      name: "shop-1",
      namespace: "shops",
      uid: "u1",
      creationTimestamp: "2026-11-21T08:00:00Z",
    },
    spec: { containers, ...(initContainers ? { initContainers } : {}) },
    status: { phase: "Running", containerStatuses, ...status },
  };
}

test("what the page is told of a pod", () => {
  const args = [...daprd().args!, "--app-port", "3000"];
  expect(
    describePod(pod({ containers: [app, daprd({ args })] }), {
      components: [{ name: "store", type: "state.redis", version: "v1" }],
    }),
  ).toEqual({
    appId: "shop",
    sidecar: "shops/shop-1",
    pod: { name: "shop-1", namespace: "shops", containers: ["web: web:1"] },
    appPort: 3000,
    httpPort: 3500,
    grpcPort: 50001,
    appPid: 0,
    command: "",
    created: Date.parse("2026-11-21T08:00:05Z"),
    components: [
      { name: "store", type: "state.redis", version: "v1", capabilities: [] },
    ],
    subscriptions: [],
  });
});

test("a sidecar that restarts is another one; a native one is found too", () => {
  const statuses = (restartCount: number) => [
    { name: "daprd", ready: true, restartCount, state: running },
  ];
  const native = (restarts: number) =>
    pod({
      containers: [app],
      initContainers: [daprd()],
      containerStatuses: [],
      initContainerStatuses: statuses(restarts),
    });
  expect(keyOf(native(0))).not.toBe(keyOf(native(1)));
  expect(keyOf(native(1))).toBe(keyOf(pod({ containerStatuses: statuses(1) })));
  expect(whyUnreachable(native(0))).toBeUndefined();
});

test.each([
  [{ waiting: { reason: "CrashLoopBackOff" } }, "CrashLoopBackOff"],
  [{ terminated: { reason: "Error" } }, "Error"],
  [undefined, "Pending"],
])("a sidecar in state %j can't be reached", (state, reason) => {
  const status = { name: "daprd", ready: false, ...(state ? { state } : {}) };
  expect(
    whyUnreachable(pod({ containerStatuses: [status], phase: "Pending" })),
  ).toBe(
    `The sidecar does not run: ${reason}. More: kubectl describe pod shop-1 -n shops`,
  );
});

test("one on a socket can't be reached, and one of a pod that has ended is none", () => {
  const args = [...daprd().args!, "--unix-domain-socket", "/var/run/s"];
  expect(whyUnreachable(pod({ containers: [daprd({ args })] }))).toContain(
    "dapr.io/unix-domain-socket-path",
  );
  expect(isOver(pod())).toBe(false);
  expect(isOver(pod({ phase: "Succeeded" }))).toBe(true);
  expect(isOver(pod({ phase: "Failed" }))).toBe(true);
});

test("a variable is a value, or a key of a Secret; of two the last one counts", () => {
  const secretKeyRef = { name: "watch", key: "token" };
  const found = pod({
    containers: [
      daprd({
        env: [
          { name: "A", value: "1" },
          { name: "A", value: "2" },
          { name: "B", valueFrom: { secretKeyRef } },
          { name: "POD_NAME", valueFrom: {} },
          { name: "EMPTY" },
        ],
      }),
    ],
  });
  expect(variableOf(found, "A")).toEqual({ value: "2" });
  expect(variableOf(found, "B")).toEqual({ secret: secretKeyRef });
  for (const name of ["POD_NAME", "EMPTY", "C"])
    expect(variableOf(found, name)).toBeUndefined();
  expect(variableOf(pod(), "A")).toBeUndefined();
});
