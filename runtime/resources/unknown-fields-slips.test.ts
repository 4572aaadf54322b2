/** What is written and not read: each slip is told, with its line and what was meant. */
import type { Logger } from "../shared/log.ts";
import { selectComponents } from "./kinds/component.ts";
import { selectHttpEndpoints } from "./kinds/http-endpoint.ts";
import { valueOfJson } from "./values/json-value.ts";
import { tellKind } from "./other-kinds.ts";
import { toldOnce } from "./told-once.ts";
import { readDocuments, YamlError } from "./values/yaml.ts";

let lines: string[];
beforeEach(() => {
  lines = [];
});
const log = {
  info: (line: string) => lines.push(line),
  warn: (line: string) => lines.push(line),
} as unknown as Logger;
const options = { appId: "shop", env: {}, log };
const component = (text: string, more = {}) =>
  selectComponents(readDocuments(text, "c.yaml"), { ...options, ...more });

const head = "apiVersion: dapr.io/v1alpha1\nkind: Component\n";
const full = `${head}metadata:
  name: orders
  namespace: shop
  labels: {team: a}
  annotations: {note: b}
  resourceVersion: "12"
spec:
  type: state.in-memory
  version: v1
  initTimeout: 10s
  ignoreErrors: true
  metadata:
    - name: a
      value: b
    - name: c
      secretKeyRef: {name: d, key: e}
    - name: f
      envRef: G
auth:
  secretstore: vault
scopes: [shop]
`;

test("all that a component may have passes in silence, in any case", () => {
  expect(component(full)).toHaveLength(1);
  expect(component(full.replaceAll("spec:", "Spec:"))).toHaveLength(1);
  expect(lines).toEqual([]);
});

/** `file:line:column` of the first place where a text stands. */
function placeOf(needle: string, text: string): string {
  const before = text.slice(0, text.indexOf(needle)).split("\n");
  return `c.yaml:${before.length}:${before.at(-1)!.length + 1}`;
}

test.each([
  [
    "scopes:",
    "scope:",
    "scope",
    "scope is not a field and has no effect; did you mean scopes?",
  ],
  [
    "  ignoreErrors",
    "  ignoreError",
    "ignoreError",
    "spec.ignoreError is not a field and has no effect; did you mean ignoreErrors?",
  ],
  [
    "secretstore",
    "store",
    "store",
    "auth.store is not a field and has no effect",
  ],
  [
    "      value: b",
    "      valeu: b",
    "valeu",
    "spec.metadata[0].valeu is not a field and has no effect; did you mean value?",
  ],
  [
    "key: e",
    "field: e",
    "field",
    "spec.metadata[1].secretKeyRef.field is not a field and has no effect",
  ],
  [
    "scopes:",
    "initTimeout: 1s\nscopes:",
    "initTimeout: 1s",
    "initTimeout is not a field and has no effect; it belongs under spec: look at the indentation",
  ],
  [
    "scopes:",
    "  scopes:",
    "scopes",
    "auth.scopes is not a field and has no effect; it belongs to the top level: look at the indentation",
  ],
  [
    "ignoreErrors: true",
    "ignoreErrors: ture",
    "ture",
    'spec.ignoreErrors "ture" is neither true nor false and counts as false',
  ],
  [
    "10s",
    "soon",
    "soon",
    'spec.initTimeout "soon" is no duration such as 10s; 5s is taken',
  ],
  [
    "name: a",
    "keyPrefix: a",
    "keyPrefix",
    "spec.metadata[0].keyPrefix is not a field and has no effect",
  ],
  [
    "name: a",
    "keyPrefix: a",
    "keyPrefix",
    'an item of spec.metadata has no name and no effect; write "- name: … value: …"',
  ],
])("%j as %j", (right, wrong, needle, told) => {
  const text = full.replace(right, wrong);
  component(text);
  expect(lines).toContain(
    `component "orders": ${told} (${placeOf(needle, text)})`,
  );
});

test("a name written twice is told at any depth; the last counts", () => {
  const [read] = component(
    full
      .replace("      value: b", "      value: x\n      Value: b")
      .replace("  type:", "  version: v7\n  type:"),
  );
  expect(read).toMatchObject({
    version: "v1",
    metadata: [{ value: "b" }, {}, {}],
  });
  expect(lines).toEqual([
    'component "orders": version is written twice in one map, of which the last counts (c.yaml:12:3)',
    'component "orders": Value is written twice in one map, of which the last counts (c.yaml:18:7)',
  ]);
});

test.each([
  ["scopes: [shop]", "scopes: shop", "scopes must be a list"],
  ["  secretstore: vault", "  - vault", "auth must be a map of settings"],
])(
  "%s as %s is not loaded, as nothing says for whom it is",
  (right, wrong, why) => {
    expect(component(full.replace(right, wrong))).toEqual([]);
    expect(lines.join()).toContain(
      `A document was not loaded: component "orders": ${why}`,
    );
  },
);

test("what concerns another namespace is nobody's slip here", () => {
  const text = full.replace("scopes:", "scope:");
  expect(component(text, { env: { NAMESPACE: "other" } })).toEqual([]);
  expect(lines).toEqual([]);
});

test("a thousand slips are not a thousand lines, nor is a long name", () => {
  const slips = Array.from({ length: 1000 }, (_, i) => `x${i}: 1\n`).join("");
  component(`${full}${"n".repeat(900)}: 1\n${slips}`);
  expect(lines).toHaveLength(21);
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(200);
});

test("a component of a cluster is told by its path, once", () => {
  const object = {
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name: "orders", uid: "1" },
    spec: {
      type: "state.in-memory",
      version: "v1",
      metadata: [{ name: "a", valeu: "b" }],
    },
  };
  const once = toldOnce(log);
  for (let pass = 0; pass < 3; pass++) {
    once.pass();
    selectComponents([valueOfJson(object, "component orders")], {
      ...options,
      log: once,
    });
  }
  expect(lines).toEqual([
    'component "orders": spec.metadata[0].valeu is not a field and has no effect; did you mean value? (component orders, spec.metadata[0].valeu)',
  ]);
});

test("fields of an HTTPEndpoint", async () => {
  const text = `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: shop
spec:
  baseURL: http://127.0.0.1:1
  header:
    - name: a
      value: b
  clientTLS:
    rootCa: {valu: x}
`;
  await selectHttpEndpoints(readDocuments(text, "e.yaml"), {
    ...options,
    secrets: { has: () => false, read: async () => ({}) },
  });
  expect(lines).toEqual([
    'HTTPEndpoint "shop": spec.header is not a field and has no effect; did you mean headers? (e.yaml:7:3)',
    'HTTPEndpoint "shop": spec.clientTLS.rootCA.valu is not a field and has no effect; did you mean value? (e.yaml:11:14)',
  ]);
});

test("an HTTPEndpoint of a wrong shape is left out, with its line; the others load", async () => {
  const endpoint = (name: string, more: string) =>
    `apiVersion: dapr.io/v1alpha1\nkind: HTTPEndpoint\nmetadata:\n  name: ${name}\nspec:\n  baseUrl: http://127.0.0.1:1\n${more}`;
  const text = [
    endpoint("a", "  headers: {x: y}\n"),
    endpoint("b", "scopes: app\n"),
    endpoint("c", "  clientTLS: none\n"),
    endpoint("d", ""),
  ].join("---\n");
  const found = await selectHttpEndpoints(readDocuments(text, "e.yaml"), {
    ...options,
    secrets: { has: () => false, read: async () => ({}) },
  });
  expect([...found.keys()]).toEqual(["d"]);
  expect(lines).toEqual([
    'A document was not loaded: HTTPEndpoint "a": spec.headers must be a list, "- …" (e.yaml:7:12)',
    'A document was not loaded: HTTPEndpoint "b": scopes must be a list, "- …" (e.yaml:15:9)',
    'A document was not loaded: HTTPEndpoint "c": spec.clientTLS must be a map of settings (e.yaml:23:14)',
  ]);
});

test.each([
  [full, undefined],
  ["apiVersion: dapr.io/v1alpha1\nkind: HTTPEndpoint", undefined],
  [
    "apiVersion: dapr.io/v1alpha1\nkind: Componet",
    "kind Componet is none of Dapr's; did you mean Component? (c.yaml:2:7)",
  ],
  [
    "apiVersion: dapr.io/v1alpha1\nkind: component",
    "kind component is none of Dapr's; did you mean Component? (c.yaml:2:7)",
  ],
  [
    "apiVersion: dapr.io/v1alpha1\nmetadata: {}",
    "kind is missing: it is none of Dapr's: Component, HTTPEndpoint, Configuration, Resiliency, Subscription, MCPServer, WorkflowAccessPolicy (c.yaml:1:1)",
  ],
  [
    "apiVersion: dapr.io/v1\nkind: Component",
    "apiVersion dapr.io/v1 is not that of a Component; write dapr.io/v1alpha1 (c.yaml:1:13)",
  ],
  [
    "kind: Component",
    "apiVersion is missing: not that of a Component; write dapr.io/v1alpha1 (c.yaml:1:1)",
  ],
  [
    "apiVersion: dapr.io/v1alpha1\nkind: Configuration",
    "a Configuration counts only if --config names its file (c.yaml:2:7)",
  ],
  [
    "apiVersion: dapr.io/v1\nkind: Subscription",
    "apiVersion dapr.io/v1 is not that of a Subscription; write dapr.io/v1alpha1 or dapr.io/v2alpha1 (c.yaml:1:13)",
  ],
  ["apiVersion: dapr.io/v2alpha1\nkind: Subscription", undefined],
  [
    "apiVersion: dapr.io/v1alpha1\nkind: MCPServer",
    "a MCPServer is not acted upon by this version (c.yaml:2:7)",
  ],
  [
    "apiVersion: apps/v1\nkind: Deployment",
    "kind Deployment of apps/v1 is none of Dapr's (c.yaml:2:7)",
  ],
  [
    "componentType: state.redis\nversion: v1\n",
    "componentType is how Azure Container Apps writes a component; write apiVersion: dapr.io/v1alpha1, kind: Component, metadata.name and spec.type here (c.yaml:1:1)",
  ],
  [
    "apps: []",
    "it has no kind; a component begins with apiVersion: dapr.io/v1alpha1 and kind: Component (c.yaml:1:1)",
  ],
])("what is made of a document: %s", (text, told) => {
  for (const document of readDocuments(text, "c.yaml"))
    if (!(document instanceof YamlError)) tellKind(document, [], log);
  expect(lines).toEqual(told ? [`A document was not loaded: ${told}`] : []);
});

test("a Configuration among the resources that --config names is no slip", () => {
  const [document] = readDocuments(
    "apiVersion: dapr.io/v1alpha1\nkind: Configuration",
    "c.yaml",
  );
  tellKind(document as never, ["./c.yaml"], log);
  expect(lines).toEqual([]);
});
