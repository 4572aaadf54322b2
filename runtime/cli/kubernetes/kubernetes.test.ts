import { parseAllDocuments } from "yaml";
import { annotateFirst } from "./annotate.ts";
import { componentRow } from "./components.ts";
import { configurationRow } from "./configurations.ts";
import { appRows } from "./list-pods.ts";
import { tagOf, type Pod } from "./pods.ts";
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
