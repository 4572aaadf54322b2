/** What the CLI leaves unchanged in a cluster that others use too, and which settings of an installation it keeps. */
import {
  apply,
  cleanUp,
  dapr,
  getJson,
  install,
  kubectl,
  loadImages,
  yaml,
} from "./cluster.ts";

const shop = "kit-shop";
const fresh = "kit-fresh";
const namespace = (name: string) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels: { team: "shop" } },
});
const config = (name: string, data: Record<string, string>) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: shop },
  data,
});
const web = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: shop },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "none" }] },
    },
  },
};
const labelsOf = (name: string) => getJson("namespace", name).metadata.labels;
const crds = () => kubectl(["get", "crd", "-o", "name"]);
const names = (kind: string, where: string) =>
  kubectl(["get", kind, "-n", where, "-o", "name"]);

beforeAll(() => void loadImages());

describe("on a cluster without Dapr", () => {
  afterEach(() => cleanUp(shop, fresh));

  test("a namespace with others' workloads is refused before anything is applied", () => {
    apply(yaml(namespace(shop), web));
    expect(() => dapr(["init", "-k", "-n", shop])).toThrow(
      `namespace ${shop} is in use (deployment/web,`,
    );
    expect(crds()).not.toContain("dapr.io");
    expect(names("deployments", shop)).toBe("deployment.apps/web\n");
  });

  test("an empty namespace that existed before keeps its labels, and stays", () => {
    apply(yaml(namespace(shop), config("prices", { tea: "3" })));
    const before = labelsOf(shop);
    dapr(["init", "-k", "-n", shop]);
    expect(labelsOf(shop)).toEqual(before);
    dapr(["init", "-k", "-n", shop]); // the namespace now has the control plane in it
    expect(dapr(["uninstall", "-k"])).toContain(`Namespace ${shop} stays`);
    expect(labelsOf(shop)).toEqual(before);
    expect(names("deployments,secrets,services", shop)).toBe("");
    expect(names("configmaps", shop)).toContain("configmap/prices");
  });

  test("uninstall removes a namespace that init created, unless others have put objects there", () => {
    dapr(["init", "-k", "-n", fresh]);
    expect(labelsOf(fresh)).toMatchObject({
      "app.kubernetes.io/managed-by": "dapr-quickstart-kit",
      "pod-security.kubernetes.io/enforce": "restricted",
    });
    kubectl(["create", "configmap", "prices", "-n", fresh]);
    expect(dapr(["uninstall", "-k"])).toContain(
      `Namespace ${fresh} stays: there are others' objects in it, configmap/prices`,
    );
    expect(names("configmaps", fresh)).toContain("configmap/prices");
    kubectl(["delete", "configmap", "prices", "-n", fresh]);
    dapr(["uninstall", "-k", "-n", fresh]);
    expect(kubectl(["get", "namespaces", "-o", "name"])).not.toContain(fresh);
  });

  test("init and the manifests of its dry run create the same, whichever comes first, and a second time changes nothing", () => {
    const manifests = dapr(["init", "-k", "--dry-run"]);
    /** All objects, without what the API server adds to them. */
    const left = () => {
      const { items } = JSON.parse(
        kubectl(["get", "-f", "-", "-o", "json"], manifests),
      ) as { items: Record<string, any>[] };
      return items.map(({ kind, metadata, spec, rules, webhooks }) => {
        const { name, labels, annotations } = metadata;
        const applied =
          annotations["kubectl.kubernetes.io/last-applied-configuration"];
        if (webhooks) delete webhooks[0].clientConfig.caBundle;
        for (const field of ["clusterIP", "clusterIPs"]) delete spec?.[field];
        return { kind, name, labels, spec, rules, webhooks, applied };
      });
    };
    const isUnchanged = () => {
      const lines = apply(manifests).trim().split("\n");
      expect(lines.length).toBeGreaterThan(20);
      expect(lines.filter((line) => !line.endsWith(" unchanged"))).toEqual([]);
    };
    install();
    const before = left();
    isUnchanged();
    isUnchanged();
    install();
    expect(left()).toEqual(before);

    cleanUp(fresh);
    // The custom kinds come first. A kubectl that does not know them yet needs a second try.
    try {
      apply(manifests);
    } catch (error) {
      expect((error as Error).message).toMatch(
        /no matches for kind|could not find the requested resource/,
      );
      apply(manifests);
    }
    install();
    isUnchanged();
    expect(left()).toEqual(before);
  });
});

describe("on one installation", () => {
  beforeAll(() => void install());
  afterAll(() => cleanUp(shop, fresh));

  test("kubectl explain says what each field is", () => {
    for (const path of [
      "component",
      "component.spec",
      "component.spec.metadata",
      "configuration.spec.accessControl.policies",
      "subscription.spec.routes.rules",
      "resiliency.spec.policies",
      "httpendpoint.spec.clientTLS.rootCA",
    ])
      expect(kubectl(["explain", path])).not.toContain("<no description>");
    expect(kubectl(["explain", "component.spec.type"])).toContain(
      "Kind and driver, e.g. state.redis",
    );
  });

  test("an installation's settings stay when it is installed again", () => {
    const allowed = () =>
      getJson(
        "deployment",
        "dapr-sidecar-injector",
        "-n",
        "dapr-system",
      ).spec.template.spec.containers[0].env.find(
        ({ name }: { name: string }) => name === "ALLOWED_SERVICE_ACCOUNTS",
      ).value;
    kubectl([
      "set",
      "env",
      "deployment/dapr-sidecar-injector",
      "-n",
      "dapr-system",
      "ALLOWED_SERVICE_ACCOUNTS=ci:runner",
    ]);
    install();
    expect(allowed()).toBe("ci:runner");
    const key = "dapr_sidecar_injector.allowedServiceAccounts";
    dapr(["init", "-k", "--set", `${key}=ci:*,build:bot`]);
    expect(allowed()).toBe("ci:*,build:bot");

    expect(dapr(["mtls", "-k"])).toBe(
      "Mutual TLS is disabled in your Kubernetes cluster \n",
    );
    expect(dapr(["mtls", "expiry"])).toMatch(
      /^Root certificate expires in 8\d{4} hours\. Expiry date: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/,
    );
  });

  test("objects without a spec are listed", () => {
    for (const kind of ["components", "configurations"]) {
      const crd = getJson("crd", `${kind}.dapr.io`);
      // as in the definition of the kind by another version of Dapr
      for (const version of crd.spec.versions)
        version.schema.openAPIV3Schema = {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
        };
      kubectl(["replace", "-f", "-"], JSON.stringify(crd));
    }
    apply(
      yaml(
        namespace(shop),
        ...["Component", "Configuration"].map((kind) => ({
          apiVersion: "dapr.io/v1alpha1",
          kind,
          metadata: { name: "bare", namespace: shop },
        })),
      ),
    );
    for (const kind of ["components", "configurations"]) {
      expect(dapr([kind, "-k"])).toMatch(/^⚠ {2}.*\nNAMESPACE/);
      expect(dapr([kind, "-k", "--namespace", shop])).toContain("bare");
      expect(JSON.parse(dapr([kind, "-k", "-A", "-o", "json"]))).toEqual(
        expect.arrayContaining([{ name: "bare", namespace: shop, spec: {} }]),
      );
    }
  });

  // This test comes last, since it removes the installation.
  test("uninstall --dev removes what init created, and keeps objects that only have the same name", () => {
    const component = (name: string, labels: Record<string, string>) => ({
      apiVersion: "dapr.io/v1alpha1",
      kind: "Component",
      metadata: { name, namespace: "default", labels },
      spec: { type: "state.in-memory", version: "v1", metadata: [] },
    });
    apply(
      yaml(
        component("statestore", { team: "shop" }),
        component("pubsub", {
          "app.kubernetes.io/managed-by": "dapr-quickstart-kit",
        }),
      ),
    );
    expect(dapr(["uninstall", "-k", "--dev"])).toContain(
      "Component default/statestore stays as it is",
    );
    expect(names("components.dapr.io", "default")).toBe(
      "component.dapr.io/statestore\n",
    );
  });
});
