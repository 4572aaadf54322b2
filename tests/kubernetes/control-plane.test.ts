/** The control plane on a real cluster: what it makes of pods, what sidecars get from it, and what happens when parts of it go. */
import type { Pod } from "../../runtime/kubernetes/objects.ts";
import { waitFor } from "../wait-for.ts";
import {
  apply,
  forward,
  getJson,
  injects,
  install,
  kubectl,
  loadImages,
  ready,
  uninstall,
} from "./cluster.ts";
import { operatorClient, type OperatorClient } from "./operator-client.ts";

jest.setTimeout(180_000);

const namespace = "dapr-test";
const audience = "spiffe://cluster.local/ns/dapr-system/dapr-sentry";
const apiHost = "dapr-api.dapr-system.svc.cluster.local";
let image: string;

beforeAll(async () => {
  image = loadImages();
  await install(image);
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

afterAll(async () => {
  kubectl(["delete", "namespace", namespace, "--ignore-not-found"]);
  await uninstall(image);
}, 120_000);

const yaml = (...objects: object[]) =>
  objects.map((object) => JSON.stringify(object)).join("\n---\n");

/** An app that does nothing, with as many pods as asked; passes `restricted`. */
function app(name: string, annotations: object = {}, replicas = 1) {
  const restricted = {
    allowPrivilegeEscalation: false,
    runAsNonRoot: true,
    runAsUser: 1000,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: {
          labels: { app: name },
          annotations: {
            "dapr.io/enabled": "true",
            "dapr.io/app-id": name,
            ...annotations,
          },
        },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: "app",
              image,
              args: ["node", "-e", "setInterval(() => {}, 1e6)"],
              securityContext: restricted,
            },
          ],
        },
      },
    },
  };
}

const podsOf = (name: string): Pod[] =>
  getJson("-n", namespace, "pods", "-l", `app=${name}`).items;
/** The app's pods once there are so many. */
const podsWhen = (name: string, count: number) =>
  waitFor(
    `${count} pods of ${name}`,
    (): Pod[] | undefined => {
      const found = podsOf(name);
      return found.length === count ? found : undefined;
    },
    60_000,
  );
const containersOf = (pod: Pod | undefined) =>
  pod?.spec.containers?.map(({ name }) => name);
const nameOf = (pod: Pod | undefined) => pod?.metadata.name as string;

async function clientFor(podName: string): Promise<OperatorClient> {
  const { port, stop } = await forward("dapr-system", "dapr-api", 443);
  const root = getJson("-n", "dapr-system", "configmap", "dapr-trust-bundle")
    .data["ca.crt"];
  const token = kubectl([
    "-n",
    namespace,
    "create",
    "token",
    "default",
    "--bound-object-kind=Pod",
    `--bound-object-name=${podName}`,
    `--audience=${audience}`,
  ]).trim();
  const client = operatorClient(`127.0.0.1:${port}`, root, apiHost, token);
  return { ...client, close: () => (client.close(), stop()) };
}

test("an annotated Deployment gets its sidecar in a restricted namespace, and its Service", async () => {
  apply(yaml(app("orders")));
  const [pod] = await podsWhen("orders", 1);
  expect(containersOf(pod)).toEqual(["app", "daprd"]);
  expect(pod?.metadata.labels).toMatchObject({
    "dapr.io/sidecar-injected": "true",
    "dapr.io/app-id": "orders",
  });
  const service = await waitFor("the Service", () =>
    getJson("-n", namespace, "services").items.find(
      ({ metadata }: { metadata: { name: string } }) =>
        metadata.name === "orders-dapr",
    ),
  );
  expect(service.spec).toMatchObject({
    clusterIP: "None",
    selector: { app: "orders" },
  });
  kubectl(["-n", namespace, "delete", "service", "orders-dapr"]);
  await waitFor("the Service again", () =>
    kubectl(["-n", namespace, "get", "services", "-o", "name"]).includes(
      "orders-dapr",
    ),
  );
});

test("an app id that can't be one is refused, with the reason where users look", async () => {
  apply(yaml(app("bad", { "dapr.io/app-id": "Bad.Id" })));
  await waitFor("the reason", () =>
    kubectl([
      "-n",
      namespace,
      "get",
      "events",
      "-o",
      "jsonpath={.items[*].message}",
    ]).includes(`"Bad.Id" can't be an app id`),
  );
  expect(podsOf("bad")).toEqual([]);
});

test("thirty pods at once: all with a sidecar", async () => {
  apply(yaml(app("many", {}, 30)));
  const pods = await podsWhen("many", 30);
  for (const pod of pods) expect(containersOf(pod)).toEqual(["app", "daprd"]);
  kubectl(["-n", namespace, "delete", "deployment", "many"]);
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
    client = await clientFor(nameOf(podsOf("orders")[0]));
  });
  afterAll(() => client.close());

  test("components of its namespace and scope, secrets resolved, live", async () => {
    const stream = await client.follow("ComponentUpdate", namespace);
    apply(
      yaml(
        secret("store"),
        component("store"),
        component("late"),
        component("others", { scopes: ["billing"] }),
      ),
    );
    await waitFor("the component", () => stream.events.length > 0);
    expect(stream.events).toEqual([
      { type: 1, name: "store", value: "czNjcmV0" },
    ]);
    const listed = await client.list("ListComponents", namespace);
    expect(
      listed.map(
        ({ metadata }: { metadata: { name: string } }) => metadata.name,
      ),
    ).toEqual(["store"]);

    // its Secret comes after it
    apply(yaml(secret("late")));
    await waitFor("the late one", () => stream.events.length === 2);
    expect(stream.events[1]).toMatchObject({ type: 1, name: "late" });
    kubectl(["-n", namespace, "delete", "component", "store"]);
    await waitFor("the deletion", () => stream.events.length === 3);
    expect(stream.events[2]).toMatchObject({ type: 3, name: "store" });
    stream.stop();
  });

  test("nothing of another namespace", async () => {
    await expect(
      client.list("ListComponents", "default"),
    ).rejects.toMatchObject({ code: 7 });
  });

  test("kubectl shows type and version", () => {
    const table = kubectl(["-n", namespace, "get", "components"]);
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
    await waitFor("both", async () => (await list()).length === 2);
    const listed = await list();
    for (const { spec } of listed)
      expect(spec).toEqual({
        pubsubname: "p",
        topic: "t",
        routes: { default: "/in" },
      });
    expect(() => apply(yaml(subscription("three", "v1alpha1", {})))).toThrow(
      "route or routes must say",
    );
  });
});

describe("faults", () => {
  const sidecars = () =>
    podsOf("orders").map((pod) => containersOf(pod)?.join());

  test("injector away: pods wait for it instead of starting without a sidecar", async () => {
    kubectl([
      "-n",
      "dapr-system",
      "scale",
      "deployment/dapr-sidecar-injector",
      "--replicas=0",
    ]);
    await waitFor("it to go", () => !injects());
    apply(yaml(app("waiting")));
    await waitFor("the refusal", () =>
      JSON.stringify(
        getJson("-n", namespace, "replicasets", "-l", "app=waiting"),
      ).includes("failed calling webhook"),
    );
    expect(podsOf("waiting")).toEqual([]);
    kubectl([
      "-n",
      "dapr-system",
      "scale",
      "deployment/dapr-sidecar-injector",
      "--replicas=1",
    ]);
    const [pod] = await podsWhen("waiting", 1);
    expect(containersOf(pod)).toEqual(["app", "daprd"]);
  });

  test("a pod made without the webhook is made anew with its sidecar", async () => {
    const saved = getJson(
      "mutatingwebhookconfiguration",
      "dapr-sidecar-injector",
    );
    kubectl([
      "delete",
      "mutatingwebhookconfiguration",
      "dapr-sidecar-injector",
    ]);
    kubectl(["-n", namespace, "delete", "pod", "-l", "app=orders", "--now"]);
    await waitFor("a pod without", () => sidecars().includes("app"), 30_000);
    delete saved.metadata.resourceVersion;
    delete saved.metadata.uid;
    // as a fresh installation has it
    delete saved.webhooks[0].clientConfig.caBundle;
    apply(yaml(saved));
    await waitFor(
      "the sidecar",
      () => sidecars().join(";") === "app,daprd",
      60_000,
    );
  });

  test("a blanked certificate authority is made anew, and pods are injected again", async () => {
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
    await waitFor("another caBundle", () => caBundle() !== before, 90_000);
    await waitFor("it to inject", () => injects(), 60_000);
    const client = await waitFor(
      "the operator's new certificate",
      async () => {
        const made = await clientFor(nameOf(podsOf("orders")[0]));
        return made.list("ListComponents", namespace).then(
          () => made,
          () => void made.close(),
        );
      },
      90_000,
    );
    client.close();
  });

  test("operator killed: Services and API come back by themselves", async () => {
    kubectl([
      "-n",
      "dapr-system",
      "delete",
      "pod",
      "-l",
      "app=dapr-operator",
      "--now",
    ]);
    apply(yaml(app("after")));
    await waitFor(
      "the Service",
      () =>
        kubectl(["-n", namespace, "get", "services", "-o", "name"]).includes(
          "after-dapr",
        ),
      60_000,
    );
    ready("dapr-system", "dapr-operator");
  });

  test("installed again: authority and caBundle stay", async () => {
    const root = () =>
      getJson("-n", "dapr-system", "configmap", "dapr-trust-bundle").data[
        "ca.crt"
      ];
    const before = root();
    await install(image);
    expect(root()).toBe(before);
    expect(injects()).toBe(true);
  });
});
