/** What a watcher is told of a sidecar's calls and deliveries (docs/protocol/watch.md). */
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { fileStore } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { closeGrpc, openGrpc } from "../support/grpc-api.ts";
import { closeGrpcApps, startGrpcApp } from "../support/grpc-app.ts";
import { call } from "../support/http.ts";
import { closeApps, type Recorded } from "../support/recording-app.ts";
import { items, stateStore } from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { openTopicStream } from "../support/topic-stream.ts";
import {
  memoryBus,
  publish,
  startTopicApp,
  whenRead,
} from "../support/topics.ts";
import {
  eventsPath,
  openWatcher,
  watchable,
  watchHeaders,
} from "../support/watcher.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  closeGrpc();
  await stopAll();
  await closeApps();
  await closeGrpcApps();
});

const json = { "content-type": "application/json" };

const answers: Record<string, { status: number; body?: string }> = {
  "/drop": { status: 200, body: '{"status":"DROP"}' },
  "/refuse": { status: 404, body: "no" },
  "/echo": { status: 201, body: "the app's words" },
};

async function start(args: string[] = []) {
  const app = await startTopicApp({
    subscriptions: ["taken", "drop", "refuse"].map((topic) => ({
      pubsubname: "bus",
      topic,
      route: `/${topic}`,
    })),
    answer: ({ path }: Recorded) =>
      answers[path.split("?")[0]!] ?? { status: 200 },
  });
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    env: watchable,
    args,
    resources: {
      "a.yaml": embedded("orders", { direction: "input, output" }),
      "b.yaml": memoryBus(),
      "c.yaml": stateStore("state.in-memory"),
    },
  });
  await whenRead(sidecar);
  return { sidecar, watcher: await openWatcher(sidecar.port) };
}

test("calls by HTTP are told with block, target and bodies", async () => {
  const { sidecar, watcher } = await start();
  const before = Date.now();
  const path = "/v1.0/state/statestore";
  await sidecar.call("POST", path, {
    headers: json,
    body: items({ key: "a", value: { n: 1 } }),
  });
  await sidecar.call("GET", `${path}/a?metadata.apiToken=canary`);
  await sidecar.call("GET", "/v1.0/state/nostore/a");
  await sidecar.call("GET", "/nothing");
  await watcher.call("/nothing");
  const [save, get, wrong, unknown] = watcher.calls();
  expect(save).toEqual({
    type: "call",
    id: expect.any(String),
    at: expect.any(Number),
    ms: expect.any(Number),
    door: "http",
    method: "POST",
    path,
    block: "state",
    target: "statestore",
    status: 204,
    isError: false,
    request: {
      contentType: "application/json",
      bytes: 29,
      text: '[{"key":"a","value":{"n":1}}]',
      isCut: false,
    },
  });
  expect(save!.at).toBeGreaterThanOrEqual(before);
  expect(get).toMatchObject({
    method: "GET",
    path: `${path}/a?metadata.apiToken=***`,
    key: "a",
    status: 200,
    response: { contentType: "application/json", text: '{"n":1}' },
  });
  expect(get!.request).toBeUndefined();
  expect(wrong).toMatchObject({
    block: "state",
    target: "nostore",
    status: 400,
    isError: true,
    response: { text: expect.stringContaining("nostore is not found") },
  });
  expect(unknown).toMatchObject({ block: "other", status: 404 });
});

test("an order is told as the producer's call and as its delivery", async () => {
  const { sidecar, watcher } = await start();
  await sidecar.call("POST", "/v1.0/bindings/orders", {
    headers: json,
    body: order({ orderId: 7 }),
  });
  expect(await watcher.call("/v1.0/bindings/orders")).toMatchObject({
    block: "bindings",
    target: "orders",
    status: 204,
    request: { text: order({ orderId: 7 }) },
  });
  expect(await watcher.delivery("bindings")).toMatchObject({
    source: "orders",
    path: "/orders",
    status: 200,
    outcome: "success",
    request: { text: '{"orderId":7}', bytes: 13 },
  });
});

test("an event is told as published, and with what the app made of it", async () => {
  const { sidecar, watcher } = await start();
  for (const topic of ["taken", "drop", "refuse"])
    await publish(sidecar, topic, { topic });
  const all = await waitFor("three deliveries", () =>
    watcher.deliveries().length === 3 ? watcher.deliveries() : undefined,
  );
  const by = (topic: string) => all.find((one) => one.topic === topic);
  expect(by("taken")).toMatchObject({
    from: "pubsub",
    source: "bus",
    path: "/taken",
    status: 200,
    outcome: "success",
    request: {
      contentType: "application/cloudevents+json",
      text: expect.stringContaining('"data":{"topic":"taken"}'),
    },
  });
  expect(by("drop")).toMatchObject({
    outcome: "drop",
    response: { text: '{"status":"DROP"}' },
  });
  expect(by("refuse")).toMatchObject({ outcome: "drop", status: 404 });
  expect(await watcher.call("/v1.0/publish/bus/taken")).toMatchObject({
    block: "pubsub",
    target: "bus",
    topic: "taken",
    status: 204,
  });
});

test("an invocation is told by both ends", async () => {
  const { sidecar, watcher } = await start();
  const path = "/v1.0/invoke/testapp/method/echo";
  await sidecar.call("POST", `${path}?password=canary`, { body: "hi" });
  expect(await watcher.call(path)).toMatchObject({
    block: "invoke",
    target: "testapp",
    path: `${path}?password=***`,
    status: 201,
    request: { text: "hi" },
    response: { text: "the app's words" },
  });
  expect(await watcher.delivery("invoke")).toMatchObject({
    source: "testapp",
    path: "/echo?password=***",
    status: 201,
    outcome: "success",
    request: { text: "hi" },
    response: { text: "the app's words" },
  });
  expect(watcher.text()).not.toContain("canary");
});

test("calls by gRPC are told alike, their messages as JSON", async () => {
  const { sidecar, watcher } = await start();
  const api = openGrpc(sidecar.grpcPort);
  await api.call("SaveState", {
    storeName: "statestore",
    states: [{ key: "a", value: Buffer.from('{"n":1}') }],
  });
  await api.call("GetState", { storeName: "statestore", key: "a" });
  await api.call("GetState", { storeName: "none", key: "a" });
  await api.call("PublishEvent", {
    pubsubName: "bus",
    topic: "taken",
    data: Buffer.from('"x"'),
  });
  await api.call("InvokeBinding", {
    name: "orders",
    operation: "create",
    data: Buffer.from('{"n":2}'),
  });
  await api.call("InvokeService", {
    id: "testapp",
    message: { method: "echo", httpExtension: { verb: "POST" } },
  });
  const name = (method: string) => `/dapr.proto.runtime.v1.Dapr/${method}`;
  await watcher.call(name("InvokeService"));
  const told = watcher.calls();
  expect(told).toMatchObject([
    {
      door: "grpc",
      method: name("SaveState"),
      path: name("SaveState"),
      block: "state",
      target: "statestore",
      status: 0,
      isError: false,
      request: {
        text: '{"storeName":"statestore","states":[{"key":"a","value":"{\\"n\\":1}"}]}',
      },
    },
    {
      block: "state",
      key: "a",
      response: {
        text: expect.stringMatching(/^\{"data":"\{\\"n\\":1\}","etag"/),
      },
    },
    { target: "none", status: 3, isError: true },
    { block: "pubsub", target: "bus", topic: "taken" },
    { block: "bindings", target: "orders" },
    {
      block: "invoke",
      target: "testapp",
      response: { text: expect.stringContaining("the app's words") },
    },
  ]);
});

test("a stream of a topic is an app that gets deliveries", async () => {
  const sidecar = await startDaprd({
    env: watchable,
    resources: { "b.yaml": memoryBus() },
  });
  const watcher = await openWatcher(sidecar.port);
  const stream = openTopicStream(openGrpc(sidecar.grpcPort));
  await stream.greeted;
  await publish(sidecar, "orders", 1);
  const event = await waitFor("the event", () => stream.events[0]);
  stream.answer(event["id"], "DROP");
  expect(await watcher.delivery("pubsub")).toMatchObject({
    source: "bus",
    topic: "orders",
    outcome: "drop",
  });
});

test("an app over gRPC gets deliveries, and its own service is passed on unread", async () => {
  const app = await startGrpcApp({
    OnInvoke: () => ({ data: { value: Buffer.from("answer") } }),
    ListInputBindings: () => ({ bindings: ["orders"] }),
    OnBindingEvent: () => ({}),
  });
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    args: ["--app-protocol=grpc"],
    env: watchable,
    resources: { "a.yaml": embedded() },
  });
  const watcher = await openWatcher(sidecar.port);
  await sidecar.call("POST", "/v1.0/bindings/orders", { body: order(1) });
  expect(await watcher.delivery("bindings")).toMatchObject({
    source: "orders",
    outcome: "success",
    request: { text: "1" },
  });
  await sidecar.call("GET", "/v1.0/invoke/testapp/method/a");
  expect(await watcher.delivery("invoke")).toMatchObject({
    path: "/a",
    outcome: "success",
    response: { text: "answer" },
  });
  const api = openGrpc(sidecar.grpcPort);
  await api.call(
    "ListInputBindings",
    {},
    {
      service: "dapr.proto.runtime.v1.AppCallback",
      metadata: { "dapr-app-id": "testapp" },
    },
  );
  const path = "/dapr.proto.runtime.v1.AppCallback/ListInputBindings";
  expect(await watcher.call(path)).toMatchObject({
    block: "invoke",
    target: "testapp",
    status: 0,
    response: { hidden: expect.any(String) },
  });
  const delivery = await waitFor("the delivery", () =>
    watcher.deliveries().find((one) => one.path === path),
  );
  expect(delivery).toMatchObject({
    outcome: "success",
    source: "testapp",
    response: { contentType: "application/grpc", hidden: expect.any(String) },
  });
});

test("the caller of a call from another sidecar is told", async () => {
  const registry = { DAPR_REGISTRY_PATH: tempFolder("registry") };
  const app = await startTopicApp({});
  const callee = await startDaprd({
    appId: "callee",
    appPort: app.port,
    until: "ready",
    env: { ...watchable, ...registry },
  });
  const caller = await startDaprd({ appId: "caller", env: registry });
  const watcher = await openWatcher(callee.port);
  await caller.call("POST", "/v1.0/invoke/callee/method/a", { body: "hi" });
  expect(await watcher.delivery("invoke")).toMatchObject({
    source: "caller",
    request: { text: "hi" },
  });
  expect(watcher.calls()).toEqual([]);
});

test("who watches is neither counted, nor logged, nor told", async () => {
  const { sidecar, watcher } = await start(["--enable-api-logging"]);
  await sidecar.call("GET", "/dapr-kit/watch/stores/statestore/keys", {
    headers: watchHeaders,
  });
  await sidecar.call("GET", eventsPath);
  await sidecar.call("GET", "/v1.0/healthz/outbound");
  await watcher.call("/v1.0/healthz/outbound");
  expect(watcher.calls().map(({ path }) => path)).toEqual([
    "/v1.0/healthz/outbound",
  ]);
  const metrics = await call(sidecar.metricsPort, "GET", "/");
  expect(metrics.text).toContain("healthz");
  expect(metrics.text).not.toContain("dapr-kit");
  expect(metrics.text).not.toContain('operation="keys"');
  expect(sidecar.output()).toContain("/v1.0/healthz/outbound");
  expect(sidecar.output()).not.toContain("dapr-kit");
});

test("the sidecar ends at once although somebody watches", async () => {
  const { sidecar, watcher } = await start([
    "--dapr-graceful-shutdown-seconds=3600",
  ]);
  sidecar.child.kill("SIGTERM");
  await watcher.ended;
  expect(await sidecar.exited).toEqual({ code: 0, signal: null });
});

describe("keys", () => {
  let sidecar: Daprd;
  const keys = (store: string, query = "") =>
    sidecar.call("GET", `/dapr-kit/watch/stores/${store}/keys${query}`, {
      headers: watchHeaders,
    });

  beforeEach(async () => {
    const folder = tempFolder("watch-keys");
    const secrets = join(folder, "secrets.json");
    writeFileSync(secrets, "{}");
    sidecar = await startDaprd({
      env: watchable,
      resources: {
        "a.yaml": stateStore("state.in-memory", {}, "memory"),
        "b.yaml": stateStore(
          "state.sqlite",
          { connectionString: join(folder, "s.db") },
          "file",
        ),
        "c.yaml": stateStore("state.in-memory", { keyPrefix: "none" }, "bare"),
        "d.yaml": fileStore("vault", secrets),
      },
    });
  });

  test("the app's own keys are listed page by page", async () => {
    for (const store of ["memory", "file", "bare"]) {
      const all = ["a", "b", "c d/é", "e"];
      await sidecar.call("POST", `/v1.0/state/${store}`, {
        body: items(...all.map((key) => ({ key, value: 1 }))),
      });
      const prefix = store === "bare" ? "" : "testapp||";
      const found: string[] = [];
      let after: string | null = "";
      while (after !== null) {
        const query: string = `?limit=3&after=${encodeURIComponent(after)}`;
        const page = (await keys(store, query)).json() as {
          keys: string[];
          next: string | null;
        };
        found.push(...page.keys);
        after = page.next;
      }
      expect(found.toSorted()).toEqual(all.map((key) => prefix + key));
    }
  });

  test("what can't be listed is an error that says why", async () => {
    for (const store of ["nothing", "vault"]) {
      const reply = await keys(store);
      expect([reply.status, reply.json()]).toEqual([
        404,
        {
          errorCode: "ERR_STATE_STORE_NOT_FOUND",
          message: `state store ${store} is not found`,
        },
      ]);
    }
    for (const limit of ["0", "1001", "-1", "x", "1e2"])
      expect((await keys("memory", `?limit=${limit}`)).status).toBe(400);
  });
});
