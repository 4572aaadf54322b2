/** Subscriptions of an app over HTTP (docs/protocol/pubsub.md): what it gets, and what its answers mean. */
import { stopAll } from "../support/daprd.ts";
import { closeApps } from "../support/recording-app.ts";
import {
  dataAt,
  declared,
  fileBus,
  memoryBus,
  publish,
  startTopics,
  whenRead,
} from "../support/topics.ts";
import { component } from "../support/component.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

const orders = { pubsubname: "bus", topic: "orders", route: "/orders" };

test("the app is asked with its ID, and gets the event as a CloudEvent", async () => {
  const { app, sidecar } = await startTopics(
    { subscriptions: [orders] },
    { env: { APP_API_TOKEN: "secret" } },
  );
  await whenRead(sidecar);
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await publish(
    sidecar,
    "orders",
    { n: 1 },
    { headers: { traceparent: parent } },
  );
  const event = await waitFor("the event", () => app.posts()[0]);
  expect(app.requests[0]).toMatchObject({
    method: "GET",
    path: "/dapr/subscribe",
    headers: { "dapr-app-id": "testapp", "dapr-api-token": "secret" },
  });
  expect(event).toMatchObject({
    path: "/orders",
    headers: {
      "content-type": "application/cloudevents+json",
      pubsubname: "bus",
      "dapr-api-token": "secret",
      traceparent: parent,
    },
  });
  expect(JSON.parse(event.body)).toMatchObject({
    data: { n: 1 },
    topic: "orders",
    pubsubname: "bus",
    source: "testapp",
    type: "com.dapr.event.sent",
  });
  const metadata = await sidecar.call("GET", "/v1.0/metadata");
  expect(metadata.json()).toMatchObject({
    subscriptions: [
      {
        pubsubname: "bus",
        topic: "orders",
        rules: [{ path: "/orders" }],
        deadLetterTopic: "",
        type: "PROGRAMMATIC",
      },
    ],
  });
  expect(sidecar.messages()).toContain(
    "app is subscribed to the following topics: [[orders]] through pubsub=bus",
  );
});

test.each([
  ["in memory", memoryBus()],
  ["in a file", fileBus()],
])(
  "metadata of the name __proto__ comes with the event, %s",
  async (_, bus) => {
    const { app, sidecar } = await startTopics(
      { subscriptions: [orders] },
      { resources: { "bus.yaml": bus } },
    );
    await whenRead(sidecar);
    await publish(sidecar, "orders", 1, { query: "?metadata.__proto__=pp" });
    const { rawHeaders } = await waitFor("the event", () => app.posts()[0]);
    const at = rawHeaders.indexOf("__proto__");
    expect(rawHeaders.slice(at, at + 2)).toEqual(["__proto__", "pp"]);
  },
);

test("the list of topics of Dapr's first releases: each topic is its route", async () => {
  const { app, sidecar } = await startTopics({ subscriptions: ["A", "B"] });
  await whenRead(sidecar);
  await publish(sidecar, "A", 1);
  await publish(sidecar, "B", 2);
  await waitFor("both", () => app.posts().length === 2);
  expect(
    app
      .posts()
      .map(({ path }) => path)
      .toSorted(),
  ).toEqual(["/A", "/B"]);
});

test.each([
  ["<html>", "its answer is no JSON"],
  [[{ topic: "x", route: "/x" }], "it names no pubsubname"],
])(
  "an answer that is wrong (%#) is told, and what is declared is read all the same",
  async (subscriptions, why) => {
    const { app, sidecar } = await startTopics(
      { subscriptions },
      {
        resources: {
          "bus.yaml": memoryBus(),
          "s.yaml": declared("one"),
        },
      },
    );
    await sidecar.logged(
      "error getting topics from app: GET /dapr/subscribe: ",
    );
    await sidecar.logged(why);
    await whenRead(sidecar);
    await publish(sidecar, "orders", 1);
    await waitFor("the event", () => dataAt(app, "/one")[0]);
  },
);

describe("an answer", () => {
  const answers: [string, number, string, number][] = [
    ["no body", 200, "", 1],
    ["204", 204, "", 1],
    ["no JSON", 200, "fine", 1],
    ["no status", 200, "{}", 1],
    ["SUCCESS", 200, '{"status":"SUCCESS"}', 1],
    ["DROP", 200, '{"status":"DROP"}', 1],
    ["404", 404, "", 1],
    ["RETRY", 200, '{"status":"RETRY"}', 2],
    ["an unknown status", 200, '{"status":"MAYBE"}', 2],
    ["500", 500, "broken", 2],
  ];
  test("decides whether the event comes again", async () => {
    const seen = new Map<string, number>();
    const { sidecar, app } = await startTopics(
      {
        subscriptions: [orders],
        answer({ body }) {
          const { data } = JSON.parse(body) as { data: string };
          const times = (seen.get(data) ?? 0) + 1;
          seen.set(data, times);
          const [, status, text] = answers.find(([name]) => name === data)!;
          return times === 1 ? { status, body: text } : { status: 200 };
        },
      },
      { resources: { "bus.yaml": fileBus() } },
    );
    await whenRead(sidecar);
    for (const [name] of answers) await publish(sidecar, "orders", name);
    await waitFor("the last one", () => seen.get("500") === 2);
    expect([...seen]).toEqual(
      answers.map(([name, , , times]) => [name, times]),
    );
    // Of one partition each came after the one before.
    expect(dataAt(app, "/orders")).toEqual(
      answers.flatMap(([name, , , times]) => Array(times).fill(name)),
    );
    for (const line of [
      "DROP status returned from app while processing pub/sub event ",
      "non-retriable error returned from app while processing pub/sub event ",
      "RETRY status returned from app while processing pub/sub event ",
      "unknown status returned from app while processing pub/sub event ",
      "retriable error returned from app while processing pub/sub event ",
    ])
      await sidecar.logged(line);
  });
});

test("a poison message goes to the dead-letter topic, and its partition goes on", async () => {
  const { app, sidecar } = await startTopics(
    {
      subscriptions: [
        { ...orders, deadLetterTopic: "graves" },
        { pubsubname: "bus", topic: "graves", route: "/graves" },
      ],
      answer: ({ path, body }) => ({
        status: path === "/orders" && body.includes("poison") ? 500 : 200,
      }),
    },
    { resources: { "bus.yaml": fileBus() } },
  );
  await whenRead(sidecar);
  await publish(sidecar, "orders", "poison");
  await publish(sidecar, "orders", "good");
  await waitFor("the good one", () => dataAt(app, "/orders").includes("good"));
  await waitFor("the grave", () => dataAt(app, "/graves").includes("poison"));
  expect(dataAt(app, "/orders")).toEqual(["poison", "good"]);
  const [buried] = app.posts().filter(({ path }) => path === "/graves");
  // As it was published to its first topic.
  expect(JSON.parse(buried!.body)).toMatchObject({ topic: "orders" });
  await sidecar.logged("is in the dead-letter topic graves: retriable error");
});

test("an event that no rule takes, and one that is dropped, go to the dead-letter topic too", async () => {
  const { app, sidecar } = await startTopics({
    subscriptions: [
      {
        pubsubname: "bus",
        topic: "orders",
        routes: {
          rules: [
            { match: 'event.data.kind == "a"', path: "/a" },
            { match: "event.data.size > 5", path: "/big" },
          ],
        },
        deadLetterTopic: "graves",
      },
      { pubsubname: "bus", topic: "graves", route: "/graves" },
    ],
    answer: ({ path }) =>
      path === "/big"
        ? { status: 200, body: '{"status":"DROP"}' }
        : { status: 200 },
  });
  await whenRead(sidecar);
  await publish(sidecar, "orders", { kind: "a", size: 1 });
  await publish(sidecar, "orders", { kind: "b", size: 9 });
  await publish(sidecar, "orders", { kind: "c", size: 1 });
  await waitFor("both graves", () => dataAt(app, "/graves").length === 2);
  expect(dataAt(app, "/a")).toHaveLength(1);
  expect(dataAt(app, "/big")).toHaveLength(1);
  expect(dataAt(app, "/graves")).toEqual([
    { kind: "b", size: 9 },
    { kind: "c", size: 1 },
  ]);
});

test("raw messages come wrapped to who subscribes raw; to others they are malformed", async () => {
  const { app, sidecar } = await startTopics({
    subscriptions: [
      {
        ...orders,
        topic: "raw",
        route: "/raw",
        metadata: { rawPayload: "true" },
      },
      { ...orders, deadLetterTopic: "graves" },
      {
        pubsubname: "bus",
        topic: "graves",
        route: "/graves",
        metadata: { rawPayload: "true" },
      },
    ],
  });
  await whenRead(sidecar);
  for (const topic of ["raw", "orders"])
    await publish(sidecar, topic, undefined, {
      body: "plain",
      query: "?metadata.rawPayload=true",
      headers: { "content-type": "text/plain" },
    });
  const wrapped = await waitFor("the raw one", () =>
    app.posts().find(({ path }) => path === "/raw"),
  );
  expect(JSON.parse(wrapped.body)).toMatchObject({
    data_base64: Buffer.from("plain").toString("base64"),
    datacontenttype: "application/octet-stream",
    topic: "raw",
    pubsubname: "bus",
  });
  await waitFor("the grave", () =>
    app.posts().find(({ path }) => path === "/graves"),
  );
  await sidecar.logged(
    "error deserializing cloud event in pubsub bus and topic orders: ",
  );
});

test("an event is dropped when its time is over", async () => {
  const { app, sidecar } = await startTopics({ subscriptions: [orders] });
  await whenRead(sidecar);
  await publish(
    sidecar,
    "orders",
    {
      specversion: "1.0",
      id: "old",
      source: "s",
      type: "t",
      data: 1,
      expiration: "2020-01-01T00:00:00Z",
    },
    { headers: { "content-type": "application/cloudevents+json" } },
  );
  await sidecar.logged(
    "dropping expired pub/sub event old as of 2020-01-01T00:00:00Z",
  );
  expect(app.posts()).toEqual([]);
});

test("a subscription in bulks: each entry has a status of its own", async () => {
  const again = new Set<number>();
  interface Bulk {
    entries: { entryId: string; event: { data: number } }[];
  }
  const { app, sidecar } = await startTopics(
    {
      subscriptions: [
        {
          ...orders,
          bulkSubscribe: {
            enabled: true,
            maxMessagesCount: 3,
            maxAwaitDurationMs: 100,
          },
        },
      ],
      answer({ body }) {
        const { entries } = JSON.parse(body) as Bulk;
        return {
          status: 200,
          body: JSON.stringify({
            statuses: entries.map(({ entryId, event: { data } }) => {
              const status =
                data === 2 && !again.has(data) ? "RETRY" : "SUCCESS";
              again.add(data);
              return { entryId, status };
            }),
          }),
        };
      },
    },
    { resources: { "bus.yaml": fileBus() } },
  );
  await whenRead(sidecar);
  for (const n of [1, 2, 3]) await publish(sidecar, "orders", n);
  const bulks = () => app.posts().map(({ body }) => JSON.parse(body) as Bulk);
  const numbers = () =>
    bulks().flatMap(({ entries }) => entries.map(({ event }) => event.data));
  await waitFor("all, and 2 again", () => numbers().length === 4);
  expect(numbers().toSorted()).toEqual([1, 2, 2, 3]);
  expect(app.posts()[0]!.headers["content-type"]).toBe("application/json");
  expect(bulks()[0]).toMatchObject({
    id: expect.any(String),
    type: "com.dapr.event.sent.bulk",
    topic: "orders",
    pubsubname: "bus",
    metadata: { pubsubName: "bus" },
  });
  const text = await (
    await fetch(`http://127.0.0.1:${sidecar.metricsPort}/metrics`)
  ).text();
  expect(text).toMatch(
    /dapr_component_pubsub_ingress_bulk_count\{.*topic="orders".*\} \d/,
  );
});

test("what came of events is counted", async () => {
  const { app, sidecar } = await startTopics({
    subscriptions: [orders],
    answer: ({ body }) => ({
      status: body.includes("lost") ? 404 : 200,
    }),
  });
  await whenRead(sidecar);
  await publish(sidecar, "orders", "kept");
  await publish(sidecar, "orders", "lost");
  await waitFor("both", () => app.posts().length === 2);
  const metrics = async () =>
    (await fetch(`http://127.0.0.1:${sidecar.metricsPort}/metrics`)).text();
  await waitFor("the counts", async () => {
    const text = await metrics();
    return (
      /pubsub_ingress_count\{.*process_status="success".*\} 1/.test(text) &&
      /pubsub_ingress_count\{.*process_status="drop".*\} 1/.test(text) &&
      /http_client_completed_count\{.*path="\/orders",status="404".*\} 1/.test(
        text,
      )
    );
  });
});

test("an app may not subscribe to what the component keeps from it", async () => {
  const { sidecar } = await startTopics(
    { subscriptions: [orders] },
    {
      resources: {
        "bus.yaml": component("bus", "pubsub.in-memory", {
          subscriptionScopes: "testapp=",
        }),
      },
    },
  );
  await sidecar.logged(
    "subscription to topic 'orders' on pubsub 'bus' is not allowed",
  );
});

test("--disable-init-endpoints subscribe: the app is not asked", async () => {
  const { app, sidecar } = await startTopics(
    { subscriptions: [orders] },
    {
      resources: { "bus.yaml": memoryBus(), "s.yaml": declared("one") },
      args: ["--disable-init-endpoints=config,subscribe"],
    },
  );
  await waitFor("the event", async () => {
    await publish(sidecar, "orders", 1);
    return dataAt(app, "/one")[0];
  });
  expect(app.requests.map(({ path }) => path)).not.toContain("/dapr/subscribe");
});
