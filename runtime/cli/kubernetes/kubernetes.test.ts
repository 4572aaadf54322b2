import { commands } from "../commands/index.ts";
import { componentRow } from "./components.ts";
import { configurationRow } from "./configurations.ts";
import { readable } from "./kubectl.ts";
import { appRows } from "./list-pods.ts";
import { tagOf, type Pod } from "./pods.ts";
import { waitingReason } from "./rollout.ts";
import { stale } from "./stale-pods.ts";
import { statusRows } from "./status.ts";

const now = Date.parse("2026-11-21T08:10:00Z");

function pod(name: string, more: Partial<Pod> & { app?: string } = {}): Pod {
  return {
    kind: "Pod",
    metadata: {
      name,
      namespace: "dapr-system",
      creationTimestamp: "2026-11-21T08:00:00Z",
      labels: { app: more.app ?? name },
    },
    spec: more.spec ?? {
      containers: [{ name, image: "registry:5000/dapr-ts:0.1.0" }],
    },
    status: more.status ?? {
      containerStatuses: [{ name, ready: true, state: { running: {} } }],
    },
  };
}

test("status has one row a service, in the original's order, the worst state of its pods", () => {
  const waiting = pod("dapr-operator-2", {
    app: "dapr-operator",
    status: {
      containerStatuses: [
        {
          name: "x",
          ready: false,
          state: { waiting: { reason: "ImagePullBackOff" } },
        },
      ],
    },
  });
  const rows = statusRows(
    [pod("dapr-sidecar-injector"), pod("dapr-operator"), waiting],
    now,
  );
  expect(rows).toMatchObject([
    {
      NAME: "dapr-operator",
      NAMESPACE: "dapr-system",
      HEALTHY: "False",
      STATUS: "Waiting (ImagePullBackOff)",
      REPLICAS: "2",
      VERSION: "0.1.0",
      AGE: "10m",
    },
    { NAME: "dapr-sidecar-injector", HEALTHY: "True", STATUS: "Running" },
  ]);
});

test("the tag of an image is not the port of its registry", () => {
  expect(tagOf("registry:5000/dapr")).toBe("latest");
  expect(tagOf("daprio/dapr:1.18.0@sha256:00")).toBe("1.18.0");
});

test("apps are pods with a sidecar, a native one too", () => {
  const daprd = {
    name: "daprd",
    image: "d",
    args: ["/daprd", "--app-id", "nodeapp", "--app-port", "3000"],
  };
  const app = { name: "node", image: "n" };
  const rows = appRows(
    [
      pod("a", { spec: { containers: [app, daprd] } }),
      pod("b", { spec: { containers: [app], initContainers: [daprd] } }),
      pod("c", { spec: { containers: [app] } }),
    ],
    now,
  );
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatchObject({ appId: "nodeapp", appPort: "3000" });
});

test("a component's row tells its scopes, a configuration's its defaults", () => {
  const metadata = {
    name: "statestore",
    namespace: "default",
    creationTimestamp: "2026-11-21T08:00:00Z",
  };
  expect(
    componentRow(
      {
        kind: "Component",
        metadata,
        spec: { type: "state.redis", version: "v1" },
        scopes: ["a", "b"],
      },
      now,
    ),
  ).toMatchObject({ TYPE: "state.redis", VERSION: "v1", SCOPES: "a,b" });
  expect(
    configurationRow({ kind: "Configuration", metadata, spec: {} }, now),
  ).toMatchObject({ "TRACING-ENABLED": "false", "METRICS-ENABLED": "true" });
});

test("an object without a spec, or with an empty one, has a row too", () => {
  const metadata = {
    name: "bare",
    namespace: "default",
    creationTimestamp: "2026-11-21T08:00:00Z",
  };
  expect(componentRow({ kind: "Component", metadata }, now)).toMatchObject({
    NAME: "bare",
    TYPE: "",
    VERSION: "",
  });
  for (const spec of [undefined, { tracing: null, metrics: null }] as const)
    expect(
      configurationRow({ kind: "Configuration", metadata, spec }, now),
    ).toMatchObject({ "TRACING-ENABLED": "false", "METRICS-ENABLED": "true" });
});

test("every command of the help's list is loaded by its name, with the same line", async () => {
  for (const { name, about, load } of commands)
    expect(await load()).toMatchObject({ name, about });
});

test("a rollout is judged by the pods of its own image", () => {
  const waiting = (image: string, reason: string) =>
    pod("dapr-operator", {
      spec: { containers: [{ name: "x", image }] },
      status: {
        containerStatuses: [
          { name: "x", ready: false, state: { waiting: { reason } } },
        ],
      },
    });
  const pods = [
    waiting("dapr:1", "ImagePullBackOff"),
    waiting("dapr:2", "ContainerCreating"),
  ];
  expect(waitingReason(pods, "dapr:2")).toBeUndefined();
  expect(waitingReason(pods, "dapr:1")).toBe("ImagePullBackOff");
});

test("pods of an earlier installation are named by what they trust", () => {
  const withRoot = (name: string, value: string) =>
    pod(name, {
      spec: {
        containers: [
          {
            name: "daprd",
            image: "d",
            env: [{ name: "DAPR_TRUST_ANCHORS", value }],
          },
        ],
      },
    });
  expect(
    stale([withRoot("old", "A\n"), withRoot("new", "B\n"), pod("none")], "B"),
  ).toEqual(["dapr-system/old"]);
});

describe("what kubectl says of a failure", () => {
  test("without its library's log, and with the next step where no cluster answers", () => {
    expect(
      readable(
        `E1121 10:22:24.011472   26802 memcache.go:265] "Unhandled Error"\nThe connection to the server 127.0.0.1:1 was refused\n`,
      ),
    ).toBe(
      "kubectl does not get through to a cluster (which one it means: `kubectl config get-contexts`, KUBECONFIG): The connection to the server 127.0.0.1:1 was refused",
    );
  });

  test("one refusal for all", () => {
    const refusal = (name: string) =>
      `Error from server (Forbidden): error when retrieving current configuration of:\nName: "${name}"\nfrom server for: "STDIN": customresourcedefinitions.apiextensions.k8s.io "${name}" is forbidden: User "guest" cannot get resource\n`;
    expect(readable(refusal("a") + refusal("b"))).toBe(
      'this user lacks rights in the cluster: customresourcedefinitions.apiextensions.k8s.io "a" is forbidden: User "guest" cannot get resource',
    );
  });

  test("anything else as it is", () => {
    expect(readable("error: timed out\n")).toBe("error: timed out");
  });
});
