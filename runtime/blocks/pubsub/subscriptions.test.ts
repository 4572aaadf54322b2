/** Which subscriptions count, and when they are read. */
import { messageOf } from "../../shared/message-of.ts";
import { fakeBus } from "../../../tests/support/fake-bus.ts";
import {
  event,
  startSubscriptions as start,
  subscription,
} from "../../../tests/support/subscribing.ts";
import { waitFor } from "../../../tests/wait-for.ts";

test("the app's own subscription replaces a declared one; of each topic the first counts", async () => {
  const { bus, events, log, read, subscriptions } = await start({
    own: [
      subscription({ rules: [{ match: "", path: "/own" }] }),
      subscription({ rules: [{ match: "", path: "/second" }] }),
    ],
    declared: [
      subscription({ rules: [{ match: "", path: "/declared" }] }),
      subscription({ topic: "b", origin: "DECLARATIVE" }),
      subscription({ topic: "b", rules: [{ match: "", path: "/late" }] }),
    ],
  });
  await read();
  await bus.send("orders", event());
  await bus.send("b", event());
  expect(events.map(({ path }) => path)).toEqual(["/own", "/orders"]);
  expect(subscriptions.list()).toHaveLength(2);
  expect(log.lines).toContain(
    "info app is subscribed to the following topics: [[orders b]] through pubsub=bus",
  );
});

test("a rule that is no CEL is told with its place, and what was declared before goes on", async () => {
  const { log, subscriptions } = await start({
    declared: [subscription({ topic: "b", origin: "DECLARATIVE" })],
  });
  await subscriptions.declare([
    subscription({
      topic: "b",
      origin: "DECLARATIVE",
      rules: [{ match: "event.type ==", path: "/a" }],
      at: { file: "s.yaml", line: 3, column: 1 },
    }),
  ]);
  expect(log.lines.join("\n")).toMatch(
    /error the subscription to topic b of pubsub bus: the rule "event\.type ==" is no CEL expression: .* \(s\.yaml:3:1\); as it was before the change it goes on/,
  );
  expect(subscriptions.list()[0]!.rules).toEqual([
    { match: "", path: "/orders" },
  ]);
});

test("a subscription that the broker refuses is tried until it works", async () => {
  let refusals = 2;
  const { bus, log, read } = await start({
    own: [subscription()],
    onSubscribe() {
      if (refusals-- > 0) throw new Error("no such topic");
    },
  });
  await read();
  expect(log.lines).toContain(
    "error failed to subscribe to topic orders of pubsub bus: no such topic; trying again until it works",
  );
  expect(log.lines).toContain("info subscribed to topic orders of pubsub bus");
  expect(bus.history).toEqual(["+orders"]);
});

test("a component that is replaced is read on by its successor", async () => {
  const { bus, read, pubsubs } = await start({ own: [subscription()] });
  await read();
  const other = fakeBus();
  pubsubs.add("bus", other, [], messageOf);
  await pubsubs.remove("bus", bus);
  expect(bus.history).toEqual(["+orders", "-orders"]);
  await waitFor("the other", () => other.reading().length === 1);
});

test("topics that the app may not subscribe to, and components that are not there, are told", async () => {
  const { bus, log, pubsubs } = await start({
    own: [
      subscription(),
      subscription({ topic: "secret" }),
      subscription({ pubsub: "later", topic: "t" }),
    ],
    metadata: [{ name: "allowedTopics", value: "orders" }],
  });
  await waitFor("both errors", () => log.lines.length >= 3);
  expect(log.lines).toContain(
    "error subscription to topic 'secret' on pubsub 'bus' is not allowed",
  );
  expect(log.lines).toContain(
    "error the subscription to topic t waits for pubsub later, which is not loaded; loaded are: bus",
  );
  expect(bus.reading().map(({ topic }) => topic)).toEqual(["orders"]);
  const later = fakeBus();
  pubsubs.add("later", later, [], messageOf);
  await waitFor("the other", () => later.reading().length === 1);
});

test("an app that names only topics means its one component, or the one called pubsub", async () => {
  const { bus, pubsubs, subscriptions, log, read } = await start({
    own: [subscription({ pubsub: "" })],
  });
  await read();
  expect(bus.reading()).toHaveLength(1);
  await subscriptions.stopReading();
  pubsubs.add("other", fakeBus(), [], messageOf);
  subscriptions.startReading();
  await waitFor("the error", () =>
    log.lines.find((line) =>
      line.includes(
        "the app subscribes to topic orders without the name of a pubsub component, and there are several: bus, other",
      ),
    ),
  );
});

test("the app is asked again when it becomes healthy again, and not while it is not", async () => {
  const { subscriptions, asked, read, bus } = await start({
    own: [subscription()],
  });
  await read();
  await subscriptions.stopReading();
  expect(bus.reading()).toEqual([]);
  subscriptions.startReading();
  await read();
  expect(asked()).toBe(2);
});

test("a change of the rules alone does not interrupt the reading; one of the metadata does", async () => {
  const declared = subscription({ origin: "DECLARATIVE" });
  const { subscriptions, bus, events, read } = await start({
    declared: [declared],
  });
  await read();
  await subscriptions.declare([
    { ...declared, rules: [{ match: "", path: "/new" }] },
  ]);
  await bus.send("orders", event());
  expect(events[0]!.path).toBe("/new");
  expect(bus.history).toEqual(["+orders"]);
  await subscriptions.declare([{ ...declared, metadata: { a: "b" } }]);
  await read();
  await waitFor("the second reading", () => bus.history.length === 3);
  expect(bus.history).toEqual(["+orders", "-orders", "+orders"]);
  await subscriptions.declare([]);
  expect(bus.reading()).toEqual([]);
});

test("a component that changes so that a topic is not for this app is not read for it any more", async () => {
  const { bus, read, pubsubs, subscriptions } = await start({
    own: [subscription()],
  });
  await read();
  await subscriptions.stream({
    pubsub: "bus",
    topic: "orders",
    metadata: {},
    deadLetterTopic: "",
    deliver: async () => "success",
    onEnd() {},
  });
  const other = fakeBus();
  pubsubs.add(
    "bus",
    other,
    [{ name: "allowedTopics", value: "nothing" }],
    messageOf,
  );
  await pubsubs.remove("bus", bus);
  expect(bus.reading()).toEqual([]);
  expect(other.history).toEqual([]);
});
