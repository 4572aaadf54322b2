/** The control plane on a real cluster: what it does to pods, what sidecars get from it, and what happens when parts of it are removed. */
import {
  apply,
  cleanUp,
  eventually,
  getJson,
  injects,
  install,
  kubectl,
  loadImages,
  ready,
  yaml,
} from "./cluster.ts";
import { annotated, idleApp } from "./idle-app.ts";
import { clientOf, type OperatorClient } from "./operator-client.ts";
import { containersOf, podsIn } from "./pods.ts";

const namespace = "dapr-test";
const pods = podsIn(namespace);
let image: string;

beforeAll(() => {
  image = loadImages();
  install();
  apply(
    yaml({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: namespace,
        labels: { "pod-security.kubernetes.io/enforce": "restricted" },
      },
    }),
  );
}, 600_000);

afterAll(() => {
  cleanUp(namespace);
});

const deploy = (name: string, replicas = 1) =>
  apply(yaml(idleApp(namespace, name, image, annotated(name), replicas)));

test("an annotated Deployment gets its sidecar in a restricted namespace, and its Service", async () => {
  deploy("orders");
  const [pod] = await pods.when("orders", 1);
  expect(containersOf(pod)).toBe("app,daprd");
  expect(pod?.metadata.labels).toMatchObject({
    "dapr.io/sidecar-injected": "true",
    "dapr.io/app-id": "orders",
  });
  const service = await eventually("the Service", () =>
    getJson("-n", namespace, "services").items.find(
      ({ metadata }: { metadata: { name: string } }) =>
        metadata.name === "orders-dapr",
    ),
  );
  expect(service.spec).toMatchObject({
    clusterIP: "None",
    selector: { app: "orders" },
  });
  pods.kubectl(["delete", "service", "orders-dapr"]);
  await eventually("the Service again", () =>
    pods.kubectl(["get", "services", "-o", "name"]).includes("orders-dapr"),
  );
});

test("thirty pods that are created at once all get a sidecar", async () => {
  deploy("many", 30);
  for (const pod of await pods.when("many", 30))
    expect(containersOf(pod)).toBe("app,daprd");
  pods.kubectl(["delete", "deployment", "many"]);
});

describe("what a sidecar gets", () => {
  let client: OperatorClient;
  const component = (name: string, more: object = {}) => ({
    apiVersion: "dapr.io/v1alpha1",
    kind: "Component",
    metadata: { name, namespace },
    spec: {
      type: "state.redis",
      version: "v1",
      metadata: [
        { name: "redisPassword", secretKeyRef: { name, key: "password" } },
      ],
    },
    ...more,
  });
  const secret = (name: string) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    stringData: { password: "s3cret" },
  });

  beforeAll(async () => {
    client = await clientOf(namespace, pods.of("orders")[0]!.metadata.name);
  });
  afterAll(() => client.close());

  test("is the components of its namespace and scope, with secrets, and their changes", async () => {
    const stream = await client.follow("ComponentUpdate", namespace);
    apply(
      yaml(
        secret("store"),
        component("store"),
        component("late"),
        component("others", { scopes: ["billing"] }),
      ),
    );
    await eventually("both components", () => stream.events.length === 2);
    expect(stream.events).toEqual([
      { type: 1, name: "store", value: "czNjcmV0" },
      // its Secret does not exist yet
      { type: 1, name: "late", value: undefined },
    ]);
    const listed = await client.list("ListComponents", namespace);
    expect(
      listed.map(
        ({ metadata }: { metadata: { name: string } }) => metadata.name,
      ),
    ).toEqual(["store", "late"]);
    apply(yaml(secret("late")));
    await eventually("its Secret", () => stream.events.length === 3);
    expect(stream.events[2]).toEqual({
      type: 2,
      name: "late",
      value: "czNjcmV0",
    });
    pods.kubectl(["delete", "component", "store"]);
    await eventually("the deletion", () => stream.events.length === 4);
    expect(stream.events[3]).toMatchObject({ type: 3, name: "store" });
    stream.stop();
  });

  test("is no Configuration that its pod does not name, and no Resiliency of another scope", async () => {
    const object = (kind: string, name: string, more: object) => ({
      apiVersion: "dapr.io/v1alpha1",
      kind,
      metadata: { name, namespace },
      ...more,
    });
    const spec = { policies: {}, targets: {} };
    apply(
      yaml(
        object("Configuration", "unnamed", {}),
        object("Resiliency", "others", { spec, scopes: ["billing"] }),
        object("Resiliency", "mine", { spec, scopes: ["orders"] }),
      ),
    );
    await eventually("the one in its scope", () =>
      client.get("GetResiliency", namespace, "mine").catch(() => undefined),
    );
    for (const [method, name] of [
      ["GetResiliency", "others"],
      ["GetConfiguration", "unnamed"],
    ] as const)
      await expect(client.get(method, namespace, name)).rejects.toMatchObject({
        code: 2,
      });
  });

  test("is nothing from another namespace", async () => {
    await expect(
      client.list("ListComponents", "default"),
    ).rejects.toMatchObject({ code: 7 });
  });

  test("kubectl shows type and version", () => {
    const table = pods.kubectl(["get", "components"]);
    expect(table).toMatch(/NAME +TYPE +VERSION +AGE/);
    expect(table).toMatch(/late +state\.redis +v1 /);
  });

  test("both versions of Subscription arrive with routes, and one without a path is refused", async () => {
    const subscription = (name: string, version: string, spec: object) => ({
      apiVersion: `dapr.io/${version}`,
      kind: "Subscription",
      metadata: { name, namespace },
      spec: { pubsubname: "p", topic: "t", ...spec },
    });
    apply(
      yaml(
        subscription("one", "v1alpha1", { route: "/in" }),
        subscription("two", "v2alpha1", { routes: { default: "/in" } }),
      ),
    );
    const list = () => client.list("ListSubscriptionsV2", namespace);
    await eventually("both", async () => (await list()).length === 2);
    const listed = await list();
    for (const { spec } of listed)
      expect(spec).toEqual({
        pubsubname: "p",
        topic: "t",
        routes: { default: "/in" },
      });
    for (const [version, spec] of [
      ["v1alpha1", {}],
      ["v2alpha1", { routes: {} }],
      ["v2alpha1", { routes: { default: "", rules: [] } }],
    ] as const)
      expect(() => apply(yaml(subscription("three", version, spec)))).toThrow(
        "route or routes must say",
      );
    const rules = [{ match: "true", path: "/in" }];
    apply(yaml(subscription("four", "v2alpha1", { routes: { rules } })));
  });
});

describe("faults", () => {
  const sidecars = () => pods.of("orders").map(containersOf);

  test("while the injector is down, pods wait for it instead of starting without a sidecar", async () => {
    kubectl([
      "-n",
      "dapr-system",
      "scale",
      "deployment/dapr-sidecar-injector",
      "--replicas=0",
    ]);
    await eventually("it to go", () => !injects());
    deploy("waiting");
    await eventually("the refusal", () =>
      JSON.stringify(
        getJson("-n", namespace, "replicasets", "-l", "app=waiting"),
      ).includes("failed calling webhook"),
    );
    expect(pods.of("waiting")).toEqual([]);
    kubectl([
      "-n",
      "dapr-system",
      "scale",
      "deployment/dapr-sidecar-injector",
      "--replicas=1",
    ]);
    const [pod] = await pods.when("waiting", 1);
    expect(containersOf(pod)).toBe("app,daprd");
  });

  test("a pod that was created without the webhook is created again with its sidecar", async () => {
    const saved = getJson(
      "mutatingwebhookconfiguration",
      "dapr-sidecar-injector",
    );
    kubectl([
      "delete",
      "mutatingwebhookconfiguration",
      "dapr-sidecar-injector",
    ]);
    pods.kubectl(["delete", "pod", "-l", "app=orders", "--now"]);
    await eventually("a pod without", () => sidecars().includes("app"));
    delete saved.metadata.resourceVersion;
    delete saved.metadata.uid;
    // as in a fresh installation
    delete saved.webhooks[0].clientConfig.caBundle;
    apply(yaml(saved));
    await eventually(
      "the sidecar",
      () => sidecars().join(";") === "app,daprd",
      60_000,
    );
  });

  test("a deleted certificate authority is created again, and pods get sidecars again", async () => {
    const caBundle = () =>
      getJson("mutatingwebhookconfiguration", "dapr-sidecar-injector")
        .webhooks[0].clientConfig.caBundle;
    const before = caBundle();
    kubectl([
      "-n",
      "dapr-system",
      "patch",
      "secret",
      "dapr-trust-bundle",
      "--type=json",
      '-p=[{"op":"remove","path":"/data"}]',
    ]);
    await eventually("another caBundle", () => caBundle() !== before, 90_000);
    await eventually("it to inject", () => injects(), 60_000);
    const client = await eventually(
      "the operator's new certificate",
      async () => {
        const made = await clientOf(
          namespace,
          pods.of("orders")[0]!.metadata.name,
        );
        return made.list("ListComponents", namespace).then(
          () => made,
          () => void made.close(),
        );
      },
    );
    client.close();
  });

  test("after the operator is killed, Services and API come back by themselves", async () => {
    kubectl([
      "-n",
      "dapr-system",
      "delete",
      "pod",
      "-l",
      "app=dapr-operator",
      "--now",
    ]);
    deploy("after");
    await eventually(
      "the Service",
      () =>
        pods.kubectl(["get", "services", "-o", "name"]).includes("after-dapr"),
      60_000,
    );
    ready("dapr-system", "dapr-operator");
  });

  test("installing again keeps the certificate authority and the caBundle", async () => {
    const root = () =>
      getJson("-n", "dapr-system", "configmap", "dapr-trust-bundle").data[
        "ca.crt"
      ];
    const before = root();
    install();
    expect(root()).toBe(before);
    expect(injects()).toBe(true);
  });
});
