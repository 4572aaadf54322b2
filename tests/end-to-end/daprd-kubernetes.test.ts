/** The sidecar in kubernetes mode, started as by the injector, with the operator's own API (docs/protocol/kubernetes.md). */
import { createConnection } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { call } from "../support/http.ts";
import {
  createOperator,
  type TestObject,
  type TestOperator,
} from "../support/operator.ts";
import { freePorts } from "../support/ports.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { makeCertificates } from "../support/tls.ts";
import { waitFor } from "../wait-for.ts";

const folder = tempFolder("daprd-kubernetes");
const certificates = makeCertificates(folder);
const operators: TestOperator[] = [];

afterEach(stopAll);
afterEach(closeApps);
afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.close()));
});

interface Pod extends Daprd {
  operator: TestOperator;
  publicPort: number;
  /** The status of the readiness probe. */
  readiness(): Promise<number>;
}

async function makeOperator(config?: string): Promise<TestOperator> {
  const caller = { appId: "orders", config };
  const operator = await createOperator(folder, certificates, caller);
  operators.push(operator);
  return operator;
}

async function startPod(
  operator: TestOperator,
  { args = [], ...more }: Parameters<typeof startDaprd>[0] = {},
): Promise<Pod> {
  const [publicPort, internalPort] = (await freePorts(2)) as [number, number];
  const sidecar = await startDaprd({
    appId: "orders",
    ...more,
    env: { ...operator.env, ...more.env },
    args: [
      "--mode=kubernetes",
      `--control-plane-address=${operator.address}`,
      "--sentry-address=dapr-sentry.dapr-system.svc.cluster.local:443",
      "--dapr-listen-addresses=[::1],127.0.0.1",
      `--dapr-public-port=${publicPort}`,
      `--dapr-internal-grpc-port=${internalPort}`,
      "--app-protocol=http",
      "--dapr-graceful-shutdown-seconds=-1",
      ...args,
    ],
  });
  return {
    ...sidecar,
    operator,
    publicPort,
    readiness: async () =>
      (await call(publicPort, "GET", "/v1.0/healthz")).status,
  };
}

async function startedPod(
  options?: Parameters<typeof startDaprd>[0],
): Promise<Pod> {
  const operator = await makeOperator();
  await operator.start();
  return startPod(operator, options);
}

const component = (
  name: string,
  type: string,
  metadata: Record<string, unknown> = {},
  more: Partial<TestObject> = {},
): TestObject => ({
  metadata: { name },
  spec: {
    type,
    version: "v1",
    metadata: Object.entries(metadata).map(([key, value]) =>
      typeof value === "object" && value !== null
        ? { name: key, ...value }
        : { name: key, value },
    ),
  },
  ...more,
});
const store = (name: string, metadata?: Record<string, unknown>) =>
  component(name, "state.in-memory", metadata);

const names = async (pod: Daprd) => {
  const metadata = (await pod.call("GET", "/v1.0/metadata")).json() as {
    components?: { name: string }[];
  };
  return (metadata.components ?? []).map(({ name }) => name);
};
const save = async (pod: Daprd, name: string) =>
  (
    await pod.call("POST", `/v1.0/state/${name}`, {
      body: '[{"key":"1","value":1}]',
    })
  ).status;

test("the sidecar waits for a late operator and logs that, and a shutdown need not wait", async () => {
  const operator = await makeOperator();
  operator.put("components", store("store"));
  const pod = await startPod(operator, { until: "nothing" });
  await pod.logged(`the operator at ${operator.address} can't be reached`);
  expect(await pod.readiness()).toBe(500);
  await operator.start();
  await waitFor("readiness", async () => (await pod.readiness()) === 204);
  expect(await save(pod, "store")).toBe(204);
  expect(pod.messages()).toContain("kubernetes mode configured");

  const waiting = await startPod(await makeOperator(), { until: "nothing" });
  await waiting.logged("can't be reached");
  expect(await waiting.stop()).toEqual({ code: 0, signal: null });
});

test("the public port and the port for other sidecars are open on all interfaces, the API is not", async () => {
  const pod = await startedPod();
  const reach = (host: string, port: number) =>
    new Promise<boolean>((resolve) => {
      const socket = createConnection({ host, port }, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
  const internal = Number(
    /Internal gRPC server is running on :(\d+)/.exec(
      pod.messages().join("\n"),
    )![1],
  );
  // An address of this machine on which the API does not listen.
  const other = "127.0.0.2";
  expect(await reach(other, pod.publicPort)).toBe(true);
  expect(await reach(other, internal)).toBe(true);
  expect(await reach(other, pod.port)).toBe(false);
  expect(await reach("::1", pod.port)).toBe(true);
});

test("components come, change and go while the sidecar runs", async () => {
  const pod = await startedPod();
  const { operator } = pod;
  expect(await save(pod, "store")).not.toBe(204);
  operator.put("components", store("store"));
  await waitFor("the store", async () => (await save(pod, "store")) === 204);
  operator.put("components", store("other", { keyPrefix: "none" }));
  await waitFor("the other", async () => (await save(pod, "other")) === 204);
  // The value is in the open component's memory. A change opens another component, without it.
  expect((await pod.call("GET", "/v1.0/state/other/1")).text).toBe("1");
  operator.put("components", store("other", { keyPrefix: "name" }));
  await pod.logged("Component updated: other (state.in-memory/v1)");
  expect((await pod.call("GET", "/v1.0/state/other/1")).status).toBe(204);
  operator.remove("components", "other");
  await pod.logged("Component removed: other (state.in-memory/v1)");
  expect(await names(pod)).toEqual(["store"]);
  // The component that did not change has kept its value.
  expect((await pod.call("GET", "/v1.0/state/store/1")).text).toBe("1");
});

test("an input is read from when it comes, uses its new route when it changes, and is no longer read from when it goes", async () => {
  const app = await startApp();
  const pod = await startedPod({ appPort: app.port, until: "ready" });
  const { operator } = pod;
  const ticks = (path: string) =>
    app.posts().filter((post) => post.path === path).length;
  const clock = (route: string) =>
    component("clock", "bindings.cron", { schedule: "@every 1s", route });
  operator.put("components", clock("one"));
  await waitFor("a tick", () => ticks("/one") > 0);
  operator.put("components", clock("two"));
  await waitFor("a tick by the other route", () => ticks("/two") > 0);
  const before = ticks("/one");
  await waitFor("more ticks", () => ticks("/two") > 2);
  expect(ticks("/one")).toBe(before);
  operator.remove("components", "clock");
  await pod.logged("Component removed: clock");
  expect(await names(pod)).toEqual([]);
});

test("a Subscription comes, changes and goes; a malformed change leaves it as it was", async () => {
  const app = await startApp(({ method }) => ({
    status: method === "POST" ? 200 : 404,
  }));
  const pod = await startedPod({ appPort: app.port });
  const { operator } = pod;
  const put = (spec: Record<string, unknown>, scopes?: string[]) =>
    operator.put("subscriptions", { metadata: { name: "s" }, spec, scopes });
  const spec = { pubsubname: "bus", topic: "orders" };
  let n = 0;
  /** One that was published from now on: the answer to a publish may come before its delivery. */
  const arrives = (path: string) => {
    const first = n + 1;
    return waitFor(`an event at ${path}`, async () => {
      const data = `${++n}`;
      await pod.call("POST", "/v1.0/publish/bus/orders", {
        body: data,
        headers: { "content-type": "application/json" },
      });
      return app
        .posts()
        .some(
          (event) =>
            event.path === path &&
            (JSON.parse(event.body) as { data: number }).data >= first,
        );
    });
  };
  operator.put("components", component("bus", "pubsub.in-memory"));
  put({ ...spec, routes: { default: "/first" } });
  await arrives("/first");
  put({
    ...spec,
    routes: { rules: [{ match: "event.data > 0", path: "/b" }] },
  });
  await arrives("/b");
  put({ ...spec, routes: {} });
  await pod.logged('subscription "s": it has no spec.routes with rules');
  await arrives("/b");
  put({ ...spec, routes: { default: "/c" } }, ["another-app"]);
  await waitFor("its end", async () => {
    const metadata = await pod.call("GET", "/v1.0/metadata");
    return !metadata.text.includes('"subscriptions"');
  });
});

test("a call under way succeeds when its component goes", async () => {
  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const server = await startApp(async () => {
    asked.resolve();
    await released.promise;
    return { status: 200, body: "late" };
  });
  const pod = await startedPod();
  pod.operator.put(
    "components",
    component("http", "bindings.http", {
      url: `http://127.0.0.1:${server.port}`,
    }),
  );
  await pod.logged("Component loaded: http");
  const calling = pod.call("POST", "/v1.0/bindings/http", {
    body: '{"operation":"get"}',
  });
  await asked.promise;
  pod.operator.remove("components", "http");
  await waitFor(
    "it to be gone",
    async () =>
      (await pod.call("POST", "/v1.0/bindings/http", { body: "{}" })).status ===
        500 && (await names(pod)).length === 0,
  );
  released.resolve();
  expect(await calling).toMatchObject({ status: 200, text: "late" });
});

test("secrets come resolved, and a missing Secret holds up only its own component", async () => {
  const server = await startApp();
  const operator = await makeOperator();
  const withSecret = (name: string) =>
    component(name, "bindings.http", {
      url: { secretKeyRef: { name, key: "url" } },
    });
  operator.putSecret("here", { url: `http://127.0.0.1:${server.port}/secret` });
  operator.put("components", withSecret("here"));
  operator.put("components", withSecret("late"));
  await operator.start();
  const pod = await startPod(operator, { until: "nothing" });
  await pod.logged(
    'component late error: metadata "url": Secret shop/late does not exist: create it; trying again',
  );
  await pod.logged("not ready before these components open: late");
  expect(await names(pod)).toEqual(["here"]);
  expect(await pod.readiness()).toBe(500);
  const invoke = (name: string) =>
    pod.call("POST", `/v1.0/bindings/${name}`, { body: '{"operation":"get"}' });
  expect((await invoke("here")).status).toBe(200);
  expect(server.requests[0]!.path).toBe("/secret");
  operator.putSecret("late", { url: `http://127.0.0.1:${server.port}/late` });
  await pod.logged("Component loaded: late");
  expect((await invoke("late")).status).toBe(200);
  expect(await pod.readiness()).toBe(204);
});

test("when a Secret is deleted, components that have it keep it, also when objects are listed again", async () => {
  const server = await startApp();
  const operator = await makeOperator();
  operator.putSecret("bank", { url: `http://127.0.0.1:${server.port}/bank` });
  const bank = component("bank", "bindings.http", {
    url: { secretKeyRef: { name: "bank", key: "url" } },
  });
  operator.put("components", bank);
  await operator.start();
  const pod = await startPod(operator);
  operator.removeSecret("bank");
  await operator.stop();
  await pod.logged("can't be reached");
  await operator.start();
  await pod.logged(
    "Secret shop/bank does not exist: create it; trying again until it opens; as it was before the change it goes on",
  );
  const { status } = await pod.call("POST", "/v1.0/bindings/bank", {
    body: '{"operation":"get"}',
  });
  expect(status).toBe(200);
  expect(await pod.readiness()).toBe(204);
});

test("a component waits for its secret store, whichever comes first", async () => {
  const pod = await startedPod();
  const file = join(folder, "secrets.json");
  writeFileSync(file, JSON.stringify({ prefix: "name" }));
  pod.operator.put(
    "components",
    component(
      "store",
      "state.in-memory",
      { keyPrefix: { secretKeyRef: { name: "prefix", key: "prefix" } } },
      { auth: { secretStore: "file" } },
    ),
  );
  await pod.logged('store (state.in-memory/v1) waits for secret store "file"');
  pod.operator.put(
    "components",
    component("file", "secretstores.local.file", { secretsFile: file }),
  );
  await waitFor("the store", async () => (await save(pod, "store")) === 204);
});

test("while the operator is away, loaded components go on, and changes come when it is back", async () => {
  const pod = await startedPod();
  const { operator } = pod;
  operator.put("components", store("kept"));
  operator.put("components", store("dropped"));
  await pod.logged("Component loaded: dropped");
  expect(await save(pod, "kept")).toBe(204);
  await operator.stop();
  await pod.logged("what is loaded stays");
  operator.remove("components", "dropped");
  operator.put("components", store("fresh"));
  expect(await save(pod, "kept")).toBe(204);
  expect(await pod.readiness()).toBe(204);
  await operator.start();
  await pod.logged("Component loaded: fresh", 15_000);
  await pod.logged("Component removed: dropped");
  // It was never opened again.
  expect((await pod.call("GET", "/v1.0/state/kept/1")).text).toBe("1");
  await pod.logged(`the operator at ${operator.address} is reached`);
});

test("a wrong component keeps a new sidecar from being ready until it is corrected, and is logged once", async () => {
  const operator = await makeOperator();
  operator.put("components", component("store", "state.nonsense"));
  operator.put("components", store("good"));
  await operator.start();
  const pod = await startPod(operator, { until: "nothing" });
  await pod.logged("couldn't find state store state.nonsense");
  await pod.logged("dapr initialized");
  expect(await pod.readiness()).toBe(500);
  expect((await call(pod.publicPort, "GET", "/v1.0/healthz")).text).toContain(
    "component store",
  );
  expect(await save(pod, "good")).toBe(204);
  operator.put("components", store("store"));
  await waitFor("readiness", async () => (await pod.readiness()) === 204);
  const told = pod.messages().filter((line) => line.includes("state.nonsense"));
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("component store, spec.type");
  expect(told[0]).toContain("once it is changed it is opened at once");
});

test("a wrong change leaves a component as it was, and the sidecar ready", async () => {
  const pod = await startedPod();
  pod.operator.put("components", store("store"));
  await waitFor("the store", async () => (await save(pod, "store")) === 204);
  expect(await pod.readiness()).toBe(204);
  pod.operator.put("components", component("store", "state.nonsense"));
  await pod.logged("as it was before the change it goes on");
  expect((await pod.call("GET", "/v1.0/state/store/1")).text).toBe("1");
  expect(await pod.readiness()).toBe(204);
});

test("a component that fails for a reason that may pass is tried again", async () => {
  const file = join(folder, "later.json");
  const pod = await startedPod();
  pod.operator.put(
    "components",
    component("file", "secretstores.local.file", { secretsFile: file }),
  );
  await pod.logged("can't be read: there is no such file");
  writeFileSync(file, '{"a":"b"}');
  await pod.logged("Component loaded: file");
});

describe("the Configuration", () => {
  const scoped = (access: string): TestObject => ({
    metadata: { name: "appconfig" },
    spec: {
      secrets: { scopes: [{ storeName: "file", defaultAccess: access }] },
    },
  });

  test("is waited for, and a change restarts the sidecar in the same process", async () => {
    const file = join(folder, "scoped.json");
    writeFileSync(file, '{"a":"b"}');
    const operator = await makeOperator("appconfig");
    operator.put(
      "components",
      component("file", "secretstores.local.file", { secretsFile: file }),
    );
    await operator.start();
    const pod = await startPod(operator, {
      args: ["--config", "appconfig"],
      until: "nothing",
    });
    await pod.logged("Configuration shop/appconfig does not exist");
    expect(await pod.readiness()).toBe(500);
    operator.put("configurations", scoped("deny"));
    await waitFor("readiness", async () => (await pod.readiness()) === 204);
    const secret = async () =>
      (await pod.call("GET", "/v1.0/secrets/file/a").catch(() => undefined))
        ?.status;
    expect(await secret()).toBe(403);
    operator.put("configurations", scoped("allow"));
    await pod.logged("Configuration shop/appconfig has changed; restarting");
    await waitFor("the new start", async () => (await secret()) === 200);
    expect(pod.child.exitCode).toBeNull();

    operator.put("configurations", scoped("perhaps"));
    await pod.logged("the sidecar goes on as it said before");
    operator.remove("configurations", "appconfig");
    await pod.logged("does not exist; the sidecar goes on as it said");
    expect(await secret()).toBe(200);
  });
});

test("HTTP endpoints come, change and go", async () => {
  const [one, two] = await Promise.all([startApp(), startApp()]);
  const pod = await startedPod();
  const endpoint = (port: number): TestObject => ({
    metadata: { name: "bank" },
    spec: {
      baseUrl: `http://127.0.0.1:${port}`,
      headers: [{ name: "x-key", secretKeyRef: { name: "bank", key: "k" } }],
    },
  });
  const invoke = async () =>
    (await pod.call("GET", "/v1.0/invoke/bank/method/pay")).status;
  pod.operator.put("httpendpoints", endpoint(one.port));
  await pod.logged("Secret shop/bank does not exist: create it; it waits");
  pod.operator.putSecret("bank", { k: "s3cret" });
  await waitFor("the endpoint", async () => (await invoke()) === 200);
  expect(one.requests[0]!.headers["x-key"]).toBe("s3cret");
  pod.operator.put("httpendpoints", endpoint(two.port));
  await waitFor("the other", async () => {
    await invoke();
    return two.requests.length > 0;
  });
  pod.operator.remove("httpendpoints", "bank");
  await waitFor("none", async () => (await invoke()) === 500);
});

test("a Resiliency comes, changes and goes; a wrong change leaves it as it was", async () => {
  const outside = await startApp(() => ({ status: 500 }));
  const pod = await startedPod();
  const put = (maxRetries: unknown, scopes = ["orders"]) =>
    pod.operator.put("resiliencies", {
      metadata: { name: "calm" },
      spec: {
        policies: { retries: { some: { duration: "10ms", maxRetries } } },
        targets: {
          apps: { [`http://127.0.0.1:${outside.port}`]: { retry: "some" } },
        },
      },
      scopes,
    });
  let count = 0;
  const tries = async () => {
    const path = `/${count++}`;
    const target = encodeURIComponent(`http://127.0.0.1:${outside.port}`);
    await pod.call("GET", `/v1.0/invoke/${target}/method${path}`);
    return outside.requests.filter((one) => one.path === path).length;
  };
  expect(await tries()).toBe(1);
  put(2);
  await waitFor("the policy", async () => (await tries()) === 3);
  put("few");
  await pod.logged(
    'Resiliency "calm": spec.policies.retries.some.maxRetries "few" is no whole number (Resiliency calm, spec.policies.retries.some.maxRetries); as it was before the change it goes on',
  );
  expect(await tries()).toBe(3);
  put(1);
  await waitFor("the change", async () => (await tries()) === 2);
  put(1, ["others"]);
  await waitFor("its end", async () => (await tries()) === 1);
});

test("the sidecar refuses to start without what the injector gives it, and as root", async () => {
  const operator = await makeOperator();
  const without = await startPod(operator, {
    env: { DAPR_TRUST_ANCHORS: undefined },
    until: "nothing",
  });
  expect((await without.exited).code).toBe(1);
  expect(without.output()).toContain("DAPR_TRUST_ANCHORS is missing");
  if (process.getuid!() !== 0) return;
  const asRoot = await startPod(operator, {
    env: { DAPR_UNSAFE_SKIP_CONTAINER_UID_GID_CHECK: undefined },
    until: "nothing",
  });
  expect((await asRoot.exited).code).toBe(2);
  expect(asRoot.output()).toContain("does not run as root");
});
