import { parseAllDocuments } from "yaml";
import { commands } from "../commands.ts";
import { annotateFirst, joinDocuments } from "./annotate.ts";
import { componentRow } from "./components.ts";
import { configurationRow } from "./configurations.ts";
import { installOptions } from "./install-flags.ts";
import { installationIn } from "./installed.ts";
import { readable } from "./kubectl.ts";
import { appRows } from "./list-pods.ts";
import { tagOf, type Pod } from "./pods.ts";
import { waitingReason } from "./rollout.ts";
import { stale } from "./stale-pods.ts";
import { statusRows } from "./status.ts";
import { version } from "../../version.ts";

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

const manifest = `# keep me
kind: Service
metadata: {name: nodeapp}
---
kind: Deployment
metadata: {name: other}
spec: {template: {spec: {}}}
---
kind: Deployment
metadata: {name: nodeapp, namespace: shop}
spec: {template: {metadata: {labels: {app: node}}}}
`;
const parse = () => {
  const documents = parseAllDocuments(manifest);
  if (!Array.isArray(documents)) throw new Error("no documents");
  return documents;
};
const annotationsOf = (document: { toJS(): unknown }) =>
  (
    document.toJS() as {
      spec: {
        template: { metadata?: { annotations?: Record<string, string> } };
      };
    }
  ).spec.template.metadata?.annotations;

test("annotate changes the first workload and nothing else", () => {
  const documents = parse();
  annotateFirst(documents, {
    resource: "",
    namespace: "",
    appId: "",
    values: { "app-port": "3000" },
  });
  expect(annotationsOf(documents[1]!)).toEqual({
    "dapr.io/enabled": "true",
    "dapr.io/app-id": "default-deployment-other",
    "dapr.io/app-port": "3000",
  });
  expect(annotationsOf(documents[2]!)).toBeUndefined();
  expect(String(documents[0])).toContain("# keep me");
});

test("annotate finds a workload by name and namespace, or says that it did not", () => {
  const documents = parse();
  const named = { resource: "nodeapp", appId: "n", values: {} };
  annotateFirst(documents, { ...named, namespace: "shop" });
  expect(annotationsOf(documents[2]!)?.["dapr.io/app-id"]).toBe("n");
  expect(() =>
    annotateFirst(documents, { ...named, namespace: "elsewhere" }),
  ).toThrow('no workload named "nodeapp" in namespace "elsewhere" was found');
});

test("documents of one file and of several are parted once", () => {
  const text = joinDocuments([...parse(), ...parse()]);
  expect(text.match(/^---$/gm)).toHaveLength(5);
  expect(parseAllDocuments(text)).toHaveLength(6);
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

describe("what is installed already", () => {
  const deployment = (managedBy: string) => ({
    kind: "Deployment",
    metadata: {
      name: "dapr-operator",
      namespace: "dapr-system",
      creationTimestamp: "2026-11-21T08:00:00Z",
      labels: { "app.kubernetes.io/managed-by": managedBy },
    },
    spec: {
      template: { spec: { containers: [{ image: "r:5000/a/dapr:0.1.0" }] } },
    },
  });

  test("is this kit's, or another's that is left alone", () => {
    expect(installationIn([])).toBeUndefined();
    expect(installationIn([deployment("dapr-quickstart-kit")])).toEqual({
      namespace: "dapr-system",
      image: "r:5000/a/dapr:0.1.0",
    });
    expect(() => installationIn([deployment("Helm")])).toThrow(
      "another Dapr runs in this cluster, in namespace dapr-system: remove it",
    );
  });

  test.each([
    [{}, undefined, `localhost/dapr-quickstart-kit/dapr:${version}`],
    [
      { "image-registry": "ghcr.io/me/" },
      undefined,
      `ghcr.io/me/dapr:${version}`,
    ],
    [{ "runtime-version": "2" }, "r:5000/a/dapr:0.1.0", "r:5000/a/dapr:2"],
    [{ "runtime-version": "2" }, "r:5000/dapr@sha256:00", "r:5000/dapr:2"],
    [{ image: "x:1" }, "r:5000/a/dapr:0.1.0", "x:1"],
  ])("%j over %s is %s", (given, before, image) => {
    const flags = {
      namespace: "n",
      image: "",
      "image-registry": "",
      "runtime-version": "",
      "image-pull-policy": "Never",
      ...given,
    };
    const found = before ? { namespace: "n", image: before } : undefined;
    expect(installOptions(flags, found).image).toBe(image);
  });
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
