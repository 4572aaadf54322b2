/** Subscriptions of an app over gRPC (docs/protocol/pubsub.md). */
import { status } from "@grpc/grpc-js";
import { startDaprd, stopAll } from "../support/daprd.ts";
import {
  AppError,
  closeGrpcApps,
  startGrpcApp,
  type AppMethods,
  type GrpcApp,
} from "../support/grpc-app.ts";
import {
  declared,
  fileBus,
  memoryBus,
  publish,
  whenRead,
} from "../support/topics.ts";
import type { Message } from "../support/proto-services.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeGrpcApps();
});

async function start(
  methods: AppMethods,
  resources: Record<string, string> = { "bus.yaml": fileBus() },
) {
  const app = await startGrpcApp(methods);
  const sidecar = await startDaprd({
    appPort: app.port,
    args: ["--app-protocol=grpc"],
    env: { APP_API_TOKEN: "secret" },
    until: "ready",
    resources,
  });
  return { app, sidecar };
}

const list = (more: object = {}, ...others: object[]): AppMethods => ({
  ListTopicSubscriptions: () => ({
    subscriptions: [{ pubsubName: "bus", topic: "orders", ...more }, ...others],
  }),
});
const dataOf = (app: GrpcApp, path?: string) =>
  app
    .callsOf("OnTopicEvent")
    .filter(({ request }) => path === undefined || request["path"] === path)
    .map(({ request }) => String(request["data"]));

test("an event comes with its fields, its data and its extensions", async () => {
  const { app, sidecar } = await start({
    ...list({ metadata: { a: "b" } }),
    OnTopicEvent: () => ({}),
  });
  await whenRead(sidecar);
  await publish(sidecar, "orders", { b: 1, a: "<" });
  await publish(sidecar, "orders", undefined, {
    body: "text",
    headers: { "content-type": "text/plain" },
  });
  await waitFor("both", () => app.callsOf("OnTopicEvent").length === 2);
  const [json, text] = app.callsOf("OnTopicEvent");
  expect(json!.request).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    source: "testapp",
    type: "com.dapr.event.sent",
    specVersion: "1.0",
    dataContentType: "application/json",
    topic: "orders",
    pubsubName: "bus",
    path: "",
  });
  expect(JSON.parse(String(json!.request["data"]))).toEqual({ a: "<", b: 1 });
  expect(JSON.stringify(json!.request["extensions"])).toContain("traceid");
  expect(json!.metadata.get("pubsubname")).toEqual(["bus"]);
  expect(json!.metadata.get("dapr-api-token")).toEqual(["secret"]);
  expect(String(text!.request["data"])).toBe("text");
});

test("the routes and the dead-letter topic are the app's", async () => {
  const { app, sidecar } = await start({
    ...list(
      {
        routes: {
          rules: [{ match: "event.data.n > 5", path: "/big" }],
          default: "/small",
        },
        deadLetterTopic: "graves",
      },
      { pubsubName: "bus", topic: "graves" },
    ),
    OnTopicEvent: ({ request }) => ({
      status: request["path"] === "/big" ? "DROP" : "SUCCESS",
    }),
  });
  await whenRead(sidecar);
  await publish(sidecar, "orders", { n: 9 });
  await publish(sidecar, "orders", { n: 1 });
  await waitFor("the grave", () => dataOf(app, "")[0]);
  expect(dataOf(app, "/big")).toEqual(['{"n":9}']);
  expect(dataOf(app, "")).toEqual(['{"n":9}']);
  await waitFor("the small one", () => dataOf(app, "/small")[0]);
});

test("what it answers decides whether the event comes again", async () => {
  const seen = new Map<string, number>();
  const answers: Record<string, () => Message> = {
    success: () => ({}),
    drop: () => ({ status: "DROP" }),
    retry: () => ({ status: "RETRY" }),
    unknown: () => ({ status: 7 }),
    error() {
      throw new AppError(status.INTERNAL, "broken");
    },
    unimplemented() {
      throw new AppError(status.UNIMPLEMENTED, "no such method");
    },
  };
  const { app, sidecar } = await start({
    ...list(),
    OnTopicEvent({ request }) {
      const name = JSON.parse(String(request["data"])) as string;
      const times = (seen.get(name) ?? 0) + 1;
      seen.set(name, times);
      return times === 1 ? answers[name]!() : {};
    },
  });
  await whenRead(sidecar);
  for (const name of Object.keys(answers))
    await publish(sidecar, "orders", name);
  await waitFor("the last one", () => seen.get("unimplemented"));
  await sidecar.logged("the event is lost to it");
  expect(Object.fromEntries(seen)).toEqual({
    success: 1,
    drop: 1,
    retry: 2,
    unknown: 2,
    error: 2,
    unimplemented: 1,
  });
  expect(app.callsOf("ListTopicSubscriptions")).toHaveLength(1);
  await sidecar.logged("with INTERNAL: broken");
});

test.each(["OnBulkTopicEvent", "OnBulkTopicEventAlpha1"])(
  "a bulk comes by %s",
  async (method) => {
    const asked: string[] = [];
    const { sidecar } = await start({
      ...list({
        bulkSubscribe: {
          enabled: true,
          maxMessagesCount: 2,
          maxAwaitDurationMs: 50,
        },
      }),
      [method]({ request }) {
        const entries = request["entries"] as {
          entryId: string;
          cloudEvent: { data: Buffer };
        }[];
        const data = entries.map(({ cloudEvent }) => String(cloudEvent.data));
        asked.push(...data);
        return {
          statuses: entries.map(({ entryId }) => ({
            entryId,
            status:
              data.includes("2") &&
              asked.filter((one) => one === "2").length < 2
                ? "RETRY"
                : "SUCCESS",
          })),
        };
      },
    } as AppMethods);
    await whenRead(sidecar);
    await publish(sidecar, "orders", 1);
    await publish(sidecar, "orders", 2);
    await waitFor(
      "2 again",
      () => asked.filter((one) => one === "2").length === 2,
    );
    expect(asked).toContain("1");
  },
);

test("an app without ListTopicSubscriptions gets what is declared; one that fails is asked again", async () => {
  const { app, sidecar } = await start(
    { OnTopicEvent: () => ({}) },
    { "bus.yaml": memoryBus(), "s.yaml": declared("one") },
  );
  await sidecar.logged("gRPC app does not implement ListTopicSubscriptions");
  await whenRead(sidecar);
  await publish(sidecar, "orders", 1);
  await waitFor("the event", () => dataOf(app, "/one")[0]);

  let asked = 0;
  const { sidecar: other } = await start({
    ListTopicSubscriptions() {
      if (asked++ === 0) throw new AppError(status.INTERNAL, "not yet");
      return { subscriptions: [{ pubsubName: "bus", topic: "orders" }] };
    },
  });
  await other.logged("could not ask the app for its subscriptions: ");
  await whenRead(other);
});
