import { fakeApi, fakeCache } from "../../../tests/support/fake-kubernetes.ts";
import { recordingLog } from "../../../tests/support/recording-log.ts";
import { waitFor } from "../../../tests/wait-for.ts";
import { openFeed } from "./feed.ts";
import type { DaprKind, DaprObject } from "./resources.ts";
import { secretReader } from "./secrets.ts";

const secretPath = "/api/v1/namespaces/shop/secrets/db";
const secret = { metadata: { name: "db" }, data: { db: "czNjcmV0" } };
const orders = { namespace: "shop", appId: "orders", pod: "orders-1" };

const component = (name: string, more: Partial<DaprObject> = {}) =>
  ({
    metadata: { name, namespace: "shop" },
    spec: { type: "state.redis", version: "v1", metadata: [] },
    ...more,
  }) as DaprObject;
const withSecret = (name: string, more: Partial<DaprObject> = {}) =>
  component(name, {
    spec: {
      metadata: [
        { name: "host", value: "h" },
        { name: "password", secretKeyRef: { name: "db" } },
      ],
    },
    ...more,
  });

/** Everything that was enqueued so far: nothing in it waits for a timer. */
const passedOn = () => new Promise((resolve) => setImmediate(resolve));

const open: { stop(): void }[] = [];
afterEach(() => {
  for (const feed of open.splice(0)) feed.stop();
  jest.useRealTimers();
});

function setUp(kind: DaprKind, ...objects: DaprObject[]) {
  const cache = fakeCache(...objects);
  const api = fakeApi();
  const log = recordingLog();
  const feed = openFeed(kind, cache, secretReader(api), log);
  open.push(feed);
  const events: string[] = [];
  const last: { value?: DaprObject } = {};
  const follow = (caller = orders) =>
    feed.follow(caller, ({ item, type }) => {
      last.value = JSON.parse(Buffer.from(item).toString()) as DaprObject;
      events.push(
        `${["", "created", "updated", "deleted"][type]} ${last.value.metadata.name}`,
      );
    });
  const names = async (caller = orders) =>
    (await feed.list(caller)).map(
      (json) => (JSON.parse(json.toString()) as DaprObject).metadata.name,
    );
  return { cache, api, log, feed, events, last, follow, names };
}

test("an app sees its namespace, and of that what its scope allows", async () => {
  const { names } = setUp(
    "components",
    component("all"),
    component("mine", { scopes: ["orders"] }),
    component("others", { scopes: ["billing"] }),
    { ...component("away"), metadata: { name: "away", namespace: "bank" } },
  );
  expect(await names()).toEqual(["all", "mine"]);
  expect(await names({ ...orders, appId: "billing" })).toEqual([
    "all",
    "others",
  ]);
});

test("changes reach who may see them; entering a scope is created, leaving it deleted", async () => {
  const { cache, events, follow, last } = setUp("components");
  const stop = follow();
  cache.set(component("a"));
  cache.set(component("a", { scopes: ["orders"] }));
  cache.set(component("a", { scopes: ["billing"] }));
  cache.set(component("a", { scopes: ["billing", "x"] }));
  cache.set(component("a"));
  cache.remove("shop", "a");
  await waitFor("all of them", () => events.length === 5);
  expect(events).toEqual([
    "created a",
    "updated a",
    "deleted a",
    "created a",
    "deleted a",
  ]);
  // the object as it was
  expect(last.value?.spec).toEqual(component("a").spec);
  stop();
  cache.set(component("b"));
  await passedOn();
  follow();
  cache.set(component("c"));
  await waitFor("the next", () => events.length === 6);
  expect(events.at(-1)).toBe("created c");
});

test("secrets of the store kubernetes come as base64, those of others stay references", async () => {
  const { feed, api } = setUp(
    "components",
    withSecret("mine"),
    withSecret("vault", { auth: { secretStore: "vault" } }),
  );
  api.objects.set(secretPath, secret as never);
  const [mine, vault] = (await feed.list(orders)).map((json) =>
    JSON.parse(json.toString()),
  );
  expect(mine.spec.metadata).toEqual([
    { name: "host", value: "h" },
    { name: "password", secretKeyRef: { name: "db" }, value: "czNjcmV0" },
  ]);
  expect(vault.spec.metadata[1].value).toBeUndefined();
});

test("a component whose Secret is missing comes with the reason, then again with its value; the others are not held up", async () => {
  jest.useFakeTimers({
    doNotFake: ["setImmediate", "nextTick", "queueMicrotask"],
  });
  const { names, feed, follow, events, api, log, last } = setUp(
    "components",
    withSecret("a"),
    component("b"),
  );
  expect(await names()).toEqual(["a", "b"]);
  const [a] = (await feed.list(orders)).map((json) =>
    JSON.parse(json.toString()),
  );
  expect(a.spec.metadata[1]).toEqual({
    name: "password",
    secretKeyRef: {
      name: "db",
      problem: "Secret shop/db does not exist: create it",
    },
  });
  await passedOn();
  follow();
  await jest.advanceTimersByTimeAsync(5_000);
  expect(events).toEqual([]);
  api.objects.set(secretPath, secret as never);
  // A pod that starts now gets it; the running ones still have to be told.
  await names();
  await jest.advanceTimersByTimeAsync(5_000);
  expect(events).toEqual(["updated a"]);
  expect(last.value?.spec?.["metadata"]).toMatchObject([
    {},
    { value: "czNjcmV0" },
  ]);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(events).toEqual(["updated a"]);
  expect(log.lines).toEqual([
    "error components shop/a waits: Secret shop/db does not exist: create it; its apps are told within 5 s",
    "info components shop/a: its Secret is there now",
  ]);
});

test("another reason is told too: the key that the Secret lacks", async () => {
  jest.useFakeTimers({
    doNotFake: ["setImmediate", "nextTick", "queueMicrotask"],
  });
  const { names, follow, events, api, log, last } = setUp(
    "components",
    withSecret("a"),
  );
  await names();
  follow();
  api.objects.set(secretPath, { ...secret, data: { other: "eA==" } } as never);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(events).toEqual(["updated a"]);
  const problem = 'Secret shop/db has no key "db": add it';
  expect(last.value?.spec?.["metadata"]).toMatchObject([
    {},
    { secretKeyRef: { problem } },
  ]);
  expect(log.lines.join()).toContain(problem);
});

test.each(["constructor", "__proto__", "toString"])(
  'a key "%s" that the Secret lacks is missing like any other',
  async (key) => {
    const { feed, api } = setUp(
      "components",
      component("a", {
        spec: {
          metadata: [{ name: "password", secretKeyRef: { name: "db", key } }],
        },
      }),
    );
    api.objects.set(secretPath, secret as never);
    const [json] = await feed.list(orders);
    expect(JSON.parse(String(json)).spec.metadata[0].secretKeyRef.problem).toBe(
      `Secret shop/db has no key "${key}": add it`,
    );
  },
);

test.each(["../../../nodes", "a/b", "A", "a..b", "-a", "x".repeat(254), "a?b"])(
  'no Secret can be named "%s": said without asking for it',
  async (name) => {
    const { feed, api } = setUp(
      "components",
      component("a", {
        spec: { metadata: [{ name: "password", secretKeyRef: { name } }] },
      }),
    );
    const [json] = await feed.list(orders);
    expect(
      JSON.parse(String(json)).spec.metadata[0].secretKeyRef.problem,
    ).toContain(`secretKeyRef.name "${name}" can't be the name of a Secret`);
    expect(api.calls).toEqual([]);
  },
);

test("a Secret's name may have dots", async () => {
  const { feed, api } = setUp(
    "components",
    component("a", {
      spec: { metadata: [{ secretKeyRef: { name: "db.v1", key: "k" } }] },
    }),
  );
  api.objects.set("/api/v1/namespaces/shop/secrets/db.v1", {
    metadata: {},
    data: { k: "eA==" },
  } as never);
  const [json] = await feed.list(orders);
  expect(JSON.parse(String(json)).spec.metadata[0].value).toBe("eA==");
});

test("headers and TLS parts of an HTTP endpoint are resolved", async () => {
  const { feed, api } = setUp(
    "httpendpoints",
    component("e", {
      spec: {
        baseUrl: "https://x",
        headers: [{ name: "key", secretKeyRef: { name: "db" } }],
        clientTLS: {
          rootCA: { secretKeyRef: { name: "db", key: "db" } },
          renegotiation: "Never",
        },
      },
    }),
  );
  api.objects.set(secretPath, secret as never);
  const [json] = await feed.list(orders);
  expect(JSON.parse(String(json)).spec).toMatchObject({
    headers: [{ value: "czNjcmV0" }],
    clientTLS: { rootCA: { value: "czNjcmV0" }, renegotiation: "Never" },
  });
});

test("a pod follows only the Configuration it names", async () => {
  const { cache, events, follow } = setUp("configurations");
  follow({ ...orders, config: "tracing" } as never);
  follow(orders);
  cache.set(component("other"));
  cache.set(component("tracing"));
  await waitFor("one", () => events.length > 0);
  expect(events).toEqual(["created tracing"]);
});

test("one object comes only to who may see it", async () => {
  const reads = async (kind: DaprKind, caller: object, object: DaprObject) => {
    const { feed } = setUp(kind, object);
    const asked = { ...orders, ...caller };
    const json = await feed.get(asked, object.metadata.name as string);
    return json !== undefined;
  };
  const mine = component("mine", { scopes: ["orders"] });
  expect(await reads("resiliencies", {}, component("all"))).toBe(true);
  expect(await reads("resiliencies", {}, mine)).toBe(true);
  expect(await reads("resiliencies", { appId: "billing" }, mine)).toBe(false);
  expect(await reads("resiliencies", { namespace: "bank" }, mine)).toBe(false);
  const tracing = component("tracing");
  expect(await reads("configurations", { config: "tracing" }, tracing)).toBe(
    true,
  );
  expect(await reads("configurations", { config: "other" }, tracing)).toBe(
    false,
  );
  expect(await reads("configurations", {}, tracing)).toBe(false);
});

test("a Subscription of v1alpha1 comes with routes", async () => {
  const { feed } = setUp(
    "subscriptions",
    component("s", { spec: { pubsubname: "p", topic: "t", route: "/in" } }),
  );
  const [json] = await feed.list(orders);
  expect(JSON.parse(String(json)).spec).toEqual({
    pubsubname: "p",
    topic: "t",
    routes: { default: "/in" },
  });
});
