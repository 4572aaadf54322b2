import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../api/objects.ts";
import { installation, toYaml } from "./install.ts";
import { defaultInstall } from "./options.ts";

const options = { ...defaultInstall("kit/dapr:1"), namespace: "ns-1" };
const { crds, rest } = installation(options);
const ofKind = (kind: string) =>
  rest.filter((object) => object.kind === kind) as never as (KubernetesObject &
    Record<string, any>)[];

test("settings come before what reads them, the webhook last", () => {
  const order = rest.map(({ kind }) => kind);
  expect(order[0]).toBe("Namespace");
  expect(order.at(-1)).toBe("MutatingWebhookConfiguration");
  expect(order.indexOf("Configuration")).toBeLessThan(
    order.indexOf("Deployment"),
  );
  expect(order.lastIndexOf("RoleBinding")).toBeLessThan(
    order.indexOf("Deployment"),
  );
});

test("everything but cluster objects is in the namespace", () => {
  for (const { kind, metadata } of rest)
    if (
      !/^(Namespace|ClusterRole|ClusterRoleBinding|MutatingWebhookConfiguration)$/.test(
        kind ?? "",
      )
    )
      expect([kind, metadata.namespace]).toEqual([kind, "ns-1"]);
});

test("no data in Secret and ConfigMap, no caBundle: a later apply keeps what is there", () => {
  for (const kind of ["Secret", "ConfigMap"])
    expect(Object.keys(ofKind(kind)[0] as object)).toEqual([
      "apiVersion",
      "kind",
      "metadata",
    ]);
  expect(
    ofKind("MutatingWebhookConfiguration")[0]?.["webhooks"][0].clientConfig,
  ).not.toHaveProperty("caBundle");
});

test("the webhook holds up annotated pods only, and none of the control plane's own", () => {
  const [configuration] = ofKind("MutatingWebhookConfiguration");
  const hook = configuration?.["webhooks"][0];
  expect(hook).toMatchObject({
    failurePolicy: "Fail",
    sideEffects: "None",
    namespaceSelector: {
      matchExpressions: [
        {
          key: "kubernetes.io/metadata.name",
          operator: "NotIn",
          values: ["ns-1"],
        },
      ],
    },
  });
  expect(hook.matchConditions[0].expression).toContain("dapr.io/enabled");
});

test("the names by which the original's CLI and sidecars find it", () => {
  expect(
    ofKind("Deployment").map(({ metadata }) => metadata.labels?.["app"]),
  ).toEqual(["dapr-operator", "dapr-sidecar-injector"]);
  expect(
    ofKind("Service").map(({ metadata, spec }) => [
      metadata.name,
      spec.ports[0].port,
      spec.ports[0].targetPort,
    ]),
  ).toEqual([
    ["dapr-api", 443, 6500],
    ["dapr-sidecar-injector", 443, 4000],
  ]);
});

test("the pods pass the Pod Security level restricted", () => {
  for (const { spec } of ofKind("Deployment")) {
    const pod = spec.template.spec;
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    for (const { securityContext } of pod.containers)
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
  }
});

test("no account may list or write Secrets of others, and none may do everything", () => {
  const rules = [...ofKind("ClusterRole"), ...ofKind("Role")].flatMap(
    ({ rules }) => rules,
  );
  expect(JSON.stringify(rules)).not.toContain("*");
  for (const { resources, verbs, resourceNames } of rules)
    if (resources.includes("secrets"))
      expect(resourceNames ? ["get", "update"] : ["get"]).toEqual(verbs);
});

test("the CRDs' schemas are structural, and every version prints its age", () => {
  const walk = (schema: Record<string, any>, path: string) => {
    const open = schema["x-kubernetes-preserve-unknown-fields"] === true;
    expect([path, Boolean(schema["type"]) || open]).toEqual([path, true]);
    if (schema["type"] === "array") expect(schema["items"]).toBeDefined();
    for (const name of schema["required"] ?? [])
      expect(Object.keys(schema["properties"])).toContain(name);
    for (const [name, part] of Object.entries(schema["properties"] ?? {}))
      walk(part as never, `${path}.${name}`);
    if (schema["items"]) walk(schema["items"], `${path}[]`);
    if (schema["additionalProperties"])
      walk(schema["additionalProperties"], `${path}{}`);
  };
  expect(crds.map(({ metadata }) => metadata.name)).toEqual([
    "components.dapr.io",
    "configurations.dapr.io",
    "subscriptions.dapr.io",
    "resiliencies.dapr.io",
    "httpendpoints.dapr.io",
  ]);
  for (const crd of crds as (KubernetesObject & Record<string, any>)[])
    for (const version of crd["spec"].versions) {
      walk(version.schema.openAPIV3Schema, crd.metadata.name as string);
      expect(version.additionalPrinterColumns.at(-1).name).toBe("Age");
    }
  const columns = (crds[0] as Record<string, any>)["spec"].versions[0]
    .additionalPrinterColumns;
  expect(columns.map(({ name }: { name: string }) => name)).toEqual([
    "Type",
    "Version",
    "Age",
  ]);
});

test("every field of a CRD says what it is", () => {
  const silent: string[] = [];
  const walk = (schema: Record<string, any>, path: string, kind = path) => {
    for (const [name, part] of Object.entries(schema["properties"] ?? {})) {
      const { description } = part as Record<string, any>;
      const isKubernetes = path === kind && name === "metadata";
      if (!description && !isKubernetes) silent.push(`${path}.${name}`);
      walk(part as never, `${path}.${name}`, kind);
    }
    for (const part of [schema["items"], schema["additionalProperties"]])
      if (part) walk(part, path, kind);
  };
  for (const crd of crds as (KubernetesObject & Record<string, any>)[])
    for (const version of crd["spec"].versions) {
      const schema = version.schema.openAPIV3Schema;
      const { kind } = crd["spec"].names;
      if (!schema.description) silent.push(kind);
      walk(schema, kind);
    }
  expect(silent).toEqual([]);
});

test("every kind needs its spec but a Configuration, and a Component a type", () => {
  const schemas = (crds as (KubernetesObject & Record<string, any>)[]).flatMap(
    (crd) =>
      crd["spec"].versions.map((version: Record<string, any>) => [
        crd["spec"].names.kind,
        version["schema"].openAPIV3Schema,
      ]),
  );
  expect(schemas.map(([kind, { required }]) => [kind, required])).toEqual([
    ["Component", ["spec"]],
    ["Configuration", undefined],
    ["Subscription", ["spec"]],
    ["Subscription", ["spec"]],
    ["Resiliency", ["spec"]],
    ["HTTPEndpoint", ["spec"]],
  ]);
  expect(schemas[0]?.[1].properties.spec.properties.type.minLength).toBe(1);
});

test("the namespace bears the mark by which it goes with the installation", () => {
  expect(rest[0]?.metadata.labels).toEqual({
    "app.kubernetes.io/part-of": "dapr",
    "app.kubernetes.io/managed-by": "dapr-quickstart-kit",
    "pod-security.kubernetes.io/enforce": "restricted",
  });
});

test("nothing that the API server drops: applied again, all is unchanged", () => {
  for (const { spec } of ofKind("Deployment"))
    for (const { env } of spec.template.spec.containers)
      for (const variable of env) expect(variable.value).not.toBe("");
});

test("the YAML says the same", () => {
  const documents = parseAllDocuments(toYaml(rest));
  expect(documents.map((document) => document.toJSON())).toEqual(rest);
});
