/** Subscriptions while the app comes and goes, files change, and the sidecar ends (docs/protocol/pubsub.md). */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { freePorts } from "../support/ports.ts";
import { closeApps } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import {
  dataAt,
  declared,
  fileBus,
  memoryBus,
  publish,
  startTopicApp,
  startTopics,
  whenRead,
} from "../support/topics.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeApps();
});

const orders = { pubsubname: "bus", topic: "orders", route: "/orders" };
const write = (sidecar: Daprd, name: string, text: string) =>
  writeFileSync(join(sidecar.resources, name), text);
const subscriptionsOf = async (sidecar: Daprd) => {
  const reply = await sidecar.call("GET", "/v1.0/metadata");
  const { subscriptions = [] } = reply.json() as {
    subscriptions?: { topic: string; rules: object[]; type: string }[];
  };
  return subscriptions;
};

test("declared subscriptions of both versions are read; one for another app is not, and the app's own come first", async () => {
  const { app, sidecar } = await startTopics(
    { subscriptions: [orders] },
    {
      resources: {
        "bus.yaml": memoryBus(),
        "own.yaml": declared("own", { topic: "orders" }),
        "v1.yaml": declared("v1", { topic: "a" }),
        "v2.yaml": declared("v2", {
          topic: "b",
          version: "v2alpha1",
          spec: `  routes:\n    rules:\n      - match: event.data > 5\n        path: /big\n    default: /small\n`,
        }),
        "other.yaml": declared("other", { topic: "c", scopes: ["somebody"] }),
      },
    },
  );
  await whenRead(sidecar);
  await publish(sidecar, "orders", 1);
  await publish(sidecar, "a", 2);
  await publish(sidecar, "b", 9);
  await publish(sidecar, "b", 3);
  await publish(sidecar, "c", 4);
  await waitFor("all", () => app.posts().length === 4);
  expect(dataAt(app, "/orders")).toEqual([1]);
  expect(dataAt(app, "/v1")).toEqual([2]);
  expect(dataAt(app, "/big")).toEqual([9]);
  expect(dataAt(app, "/small")).toEqual([3]);
  expect(
    (await subscriptionsOf(sidecar)).map(({ topic, type }) => [topic, type]),
  ).toEqual([
    ["orders", "PROGRAMMATIC"],
    ["a", "DECLARATIVE"],
    ["b", "DECLARATIVE"],
  ]);
});

test("a subscription comes, changes and goes with its file; a wrong change leaves what runs", async () => {
  const { app, sidecar } = await startTopics({});
  const arrives = (path: string, n: number) =>
    waitFor(`${n} at ${path}`, async () => {
      await publish(sidecar, "orders", n);
      return dataAt(app, path).includes(n);
    });
  write(sidecar, "s.yaml", declared("first"));
  await arrives("/first", 1);

  write(sidecar, "s.yaml", declared("second"));
  await arrives("/second", 2);

  // A document that is no subscription: the file is not taken.
  write(sidecar, "s.yaml", declared("second").replace("topic:", "topik:"));
  await sidecar.logged('subscription "second": it has no spec.topic (');
  await sidecar.logged("what is loaded from it stays until it is mended");
  await arrives("/second", 3);

  // One with a rule that is no CEL: as it was it goes on.
  write(
    sidecar,
    "s.yaml",
    declared("second", {
      version: "v2alpha1",
      spec: `  routes:\n    rules:\n      - match: event.type ==\n        path: /x\n`,
    }),
  );
  await sidecar.logged('the rule "event.type ==" is no CEL expression: ');
  expect(sidecar.messages().join("\n")).toMatch(
    /no CEL expression: .* \(.*s\.yaml:(?!1:)\d+:16\); as it was before the change it goes on/,
  );
  await arrives("/second", 4);

  rmSync(join(sidecar.resources, "s.yaml"));
  await waitFor(
    "the end of it",
    async () => (await subscriptionsOf(sidecar)).length === 0,
  );
  const before = app.posts().length;
  await publish(sidecar, "orders", 5);
  await sidecar.stop();
  expect(app.posts()).toHaveLength(before);
});

test("a bus that comes later is subscribed to then, and the app is asked then", async () => {
  const { app, sidecar } = await startTopics(
    { subscriptions: [orders] },
    { resources: { "s.yaml": declared("one", { topic: "other" }) } },
  );
  await sidecar.logged(
    "the subscription to topic other waits for pubsub bus, which is not loaded; loaded are: none",
  );
  expect(app.requests).toEqual([]);
  write(sidecar, "bus.yaml", memoryBus());
  await whenRead(sidecar);
  await publish(sidecar, "orders", 1);
  await publish(sidecar, "other", 2);
  await waitFor("both", () => app.posts().length === 2);
});

test("while the app is away its messages are held, and none is lost or buried", async () => {
  const [port] = (await freePorts(1)) as [number];
  const first = await startTopicApp({
    port,
    subscriptions: [{ ...orders, deadLetterTopic: "graves" }],
  });
  const sidecar = await startDaprd({
    appPort: port,
    until: "ready",
    resources: { "bus.yaml": fileBus() },
  });
  await whenRead(sidecar);
  await publish(sidecar, "orders", 1);
  await waitFor("the first", () => first.posts()[0]);
  await first.close();
  await publish(sidecar, "orders", 2);
  await sidecar.logged(
    "the app does not listen: the subscription to topic orders of pubsub bus holds its messages until it does",
  );
  const second = await startTopicApp({ port });
  await waitFor("the held one", () => second.posts()[0]);
  expect(dataAt(second, "/orders")).toEqual([2]);
});

test("while the app is unhealthy nothing is read, and afterwards all that came meanwhile", async () => {
  const app = await startTopicApp({ subscriptions: [orders] });
  const sidecar = await startDaprd({
    appPort: app.port,
    resources: { "bus.yaml": fileBus() },
    args: [
      "--enable-app-health-check",
      "--app-health-check-path=/dapr/subscribe",
      "--app-health-probe-interval=1",
      "--app-health-threshold=1",
    ],
  });
  await whenRead(sidecar);
  await publish(sidecar, "orders", 1);
  await waitFor("the first", () => app.posts()[0]);
  const { port } = app;
  await app.close();
  await sidecar.logged("app is unhealthy (");
  await publish(sidecar, "orders", 2);
  const again = await startTopicApp({ subscriptions: [orders], port });
  await waitFor("the second", () => again.posts()[0]);
  expect(dataAt(again, "/orders")).toEqual([2]);
});

test("at the end what is in flight is finished; what is not taken is there for the next sidecar", async () => {
  const folder = tempFolder("topics-end");
  const bus = fileBus({ path: join(folder, "bus.db") });
  const answers = [Promise.withResolvers<{ status: number }>()];
  let isBroken = false;
  const { app, sidecar } = await startTopics(
    {
      subscriptions: [{ ...orders, deadLetterTopic: "graves" }],
      answer: ({ body }) =>
        body.includes("slow")
          ? answers[0]!.promise
          : { status: isBroken ? 500 : 200 },
    },
    { resources: { "bus.yaml": bus } },
  );
  await whenRead(sidecar);
  await publish(sidecar, "orders", "slow");
  await publish(sidecar, "orders", "waits");
  await waitFor("the slow one", () => app.posts()[0]);
  isBroken = true;
  const stopped = sidecar.stop();
  await sidecar.logged("Dapr is shutting down");
  answers[0]!.resolve({ status: 200 });
  expect((await stopped).code).toBe(0);
  isBroken = false;
  const next = await startDaprd({
    appPort: app.port,
    until: "ready",
    resources: { "bus.yaml": bus },
  });
  await whenRead(next);
  await waitFor("the other one", () =>
    dataAt(app, "/orders").includes("waits"),
  );
  // What was finished did not come again, and nothing was buried.
  expect(dataAt(app, "/orders").filter((data) => data === "slow")).toEqual([
    "slow",
  ]);
});

test("with a block duration subscriptions stop at once, and the API stays", async () => {
  const { app, sidecar } = await startTopics(
    { subscriptions: [orders] },
    {
      resources: { "bus.yaml": fileBus() },
      args: ["--dapr-block-shutdown-duration=1h"],
    },
  );
  await whenRead(sidecar);
  sidecar.child.kill("SIGTERM");
  await sidecar.logged("Blocking graceful shutdown for ");
  await publish(sidecar, "orders", 1);
  sidecar.child.kill("SIGTERM");
  await sidecar.exited;
  expect(app.posts()).toEqual([]);
});
