import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseAllDocuments } from "yaml";
import {
  annotateFirst,
  joinDocuments,
  parseManifests,
  readManifests,
} from "./manifests.ts";

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
const parse = () => parseManifests("app.yaml", manifest);
const annotationsOf = ({ document }: { document: { toJS(): unknown } }) =>
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
  expect(String(documents[0]!.document)).toContain("# keep me");
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

describe("manifests that are not as they should be", () => {
  const annotated = (text: string) => {
    const manifests = parseManifests("app.yaml", text);
    annotateFirst(manifests, {
      resource: "",
      namespace: "",
      appId: "web",
      values: {},
    });
    return joinDocuments(manifests);
  };
  const annotations = { "dapr.io/enabled": "true", "dapr.io/app-id": "web" };
  const read = (text: string) => parseAllDocuments(text)[0]!.toJS();

  test.each([
    "kind: Pod\nmetadata: null\n",
    "kind: Pod\n",
    "kind: Pod\nmetadata:\n  annotations:\n",
  ])("what is null or absent is made: %j", (text) => {
    expect(read(annotated(text)).metadata).toEqual({ annotations });
  });

  test("in a Deployment too", () => {
    for (const spec of ["null", "{template: null}", "{template: {metadata: }}"])
      expect(read(annotated(`kind: Deployment\nspec: ${spec}\n`)).spec).toEqual(
        { template: { metadata: { annotations } } },
      );
  });

  test("what another part refers to stays as it was", () => {
    const text = `kind: Deployment
metadata: &meta {labels: {app: web}}
spec: {template: {metadata: *meta}}
`;
    expect(read(annotated(text))).toEqual({
      kind: "Deployment",
      metadata: { labels: { app: "web" } },
      spec: { template: { metadata: { labels: { app: "web" }, annotations } } },
    });
  });

  test.each([
    ["kind: Deployment\nspec: text\n", "app.yaml:2: spec is not a map"],
    [
      "kind: Service\n---\nkind: Deployment\nspec:\n  template: [1]\n",
      "app.yaml:5: spec.template is not a map",
    ],
    [
      "kind: Pod\nmetadata: {annotations: none}\n",
      "app.yaml:2: metadata.annotations is not a map",
    ],
    ["kind: Pod\nmetadata: *gone\n", "app.yaml:2: metadata is not a map"],
    ["kind: Pod\nspec: *gone\n", "app.yaml: Unresolved alias"],
    ["kind: Pod\nkind: Pod\n", "app.yaml: Map keys must be unique"],
    ["kind: {a: b}\n", "no workload was found"],
    ["kind: constructor\n", "no workload was found"],
    ["- kind: Pod\n", "no workload was found"],
    ["text", "no workload was found"],
    ["", "no workload was found"],
  ])("%j is refused in words", (text, why) => {
    expect(() => annotated(text)).toThrow(why);
    expect(() => annotated(text)).toThrow(
      expect.objectContaining({ name: "CommandError" }),
    );
  });

  test.each([
    ["kind: Pod", "a Pod without a name can't be an app's ID"],
    [
      "kind: Pod\nmetadata: {name: a.b}",
      "\"default-pod-a.b\" can't be an app's ID: give one with --app-id",
    ],
  ])("no ID can be made of %j", (text, why) => {
    const manifests = parseManifests("app.yaml", text);
    expect(() =>
      annotateFirst(manifests, {
        resource: "",
        namespace: "",
        appId: "",
        values: {},
      }),
    ).toThrow(why);
  });
});

describe("a URL", () => {
  const server = createServer((request, response) => {
    if (request.url === "/cut") {
      response.writeHead(200, { "content-length": "100" });
      response.write("kind: ");
      setImmediate(() => response.destroy());
    } else response.writeHead(404).end();
  });
  let base = "";
  beforeAll(
    () =>
      new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
          resolve();
        });
      }),
  );
  afterAll(() => new Promise((resolve) => void server.close(resolve)));

  test.each([
    ["/none.yaml", "status 404"],
    ["/cut", ""],
  ])("%s can't be read", async (path, why) => {
    await expect(readManifests(base + path)).rejects.toMatchObject({
      name: "CommandError",
      message: expect.stringContaining(`could not read ${base}${path}: ${why}`),
    });
  });

  test("nobody serves can't be read", async () => {
    await expect(readManifests("http://127.0.0.1:1/a.yaml")).rejects.toThrow(
      "could not read http://127.0.0.1:1/a.yaml: ",
    );
    await expect(readManifests("http://[/a.yaml")).rejects.toMatchObject({
      name: "CommandError",
    });
  });
});
