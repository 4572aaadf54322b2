import { recordingLog } from "../../../tests/support/recording-log.ts";
import { readSubscriptions } from "./subscribe-answer.ts";

function read(answer: unknown) {
  const log = recordingLog();
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  return { found: readSubscriptions(Buffer.from(text), log), log: log.lines };
}

test("a subscription has a route, or routes, and more", () => {
  const { found, log } = read([
    { pubsubname: "p", topic: "a", route: "/a" },
    {
      PubsubName: "p",
      topic: "b",
      route: "ignored",
      routes: {
        rules: [{ match: " event.type == 'x' ", path: "/x" }],
        default: "/rest",
      },
      deadLetterTopic: "dead",
      metadata: { rawPayload: "true" },
      bulkSubscribe: { enabled: true, maxMessagesCount: 5 },
    },
    {
      pubsubname: "p",
      topic: "c",
      route: "/c",
      bulkSubscribe: { enabled: false },
    },
  ]);
  expect(found).toEqual([
    {
      pubsub: "p",
      topic: "a",
      rules: [{ match: "", path: "/a" }],
      metadata: {},
      origin: "PROGRAMMATIC",
    },
    {
      pubsub: "p",
      topic: "b",
      rules: [
        { match: "event.type == 'x'", path: "/x" },
        { match: "", path: "/rest" },
      ],
      deadLetterTopic: "dead",
      metadata: { rawPayload: "true" },
      bulk: { maxMessages: 5, maxAwaitMs: 1000 },
      origin: "PROGRAMMATIC",
    },
    {
      pubsub: "p",
      topic: "c",
      rules: [{ match: "", path: "/c" }],
      metadata: {},
      origin: "PROGRAMMATIC",
    },
  ]);
  expect(log).toEqual([]);
});

test("a list of topics, as in Dapr's first releases: the topic is its own route", () => {
  expect(read(["A", "B"]).found).toMatchObject([
    { pubsub: "", topic: "A", rules: [{ match: "", path: "A" }] },
    { pubsub: "", topic: "B", rules: [{ match: "", path: "B" }] },
  ]);
});

test.each(["", "null", "[]"])("%j is no subscription, and no error", (answer) =>
  expect(read(answer)).toEqual({ found: [], log: [] }),
);

test.each([
  ["{}", "its answer is no list"],
  ["<html>", "its answer is no JSON"],
])("the answer %s is an error", (answer, why) => {
  const { found, log } = read(answer);
  expect(found).toEqual([]);
  expect(log[0]).toContain(
    `error error getting topics from app: GET /dapr/subscribe: ${why}`,
  );
});

test.each<[unknown, string]>([
  [{ topic: "a", route: "/a" }, "it names no pubsubname"],
  [{ pubsubname: "p", route: "/a" }, "it names no topic"],
  [{ pubsubname: "p", topic: "a" }, "topic a has an empty routes"],
  [{ pubsubname: "p", topic: "a", routes: [] }, "its routes is no object"],
  [{ pubsubname: 5, topic: "a", route: "/a" }, "its pubsubname is no text"],
  [
    { pubsubname: "p", topic: "a", route: "/a", metadata: { n: 1 } },
    'its metadata "n" is no text',
  ],
  ...(
    [
      [
        { bulkSubscribe: { enabled: "true" } },
        "bulkSubscribe.enabled is neither true nor false",
      ],
      [{ bulkSubscribe: { enabled: 1 } }, "bulkSubscribe.enabled is neither"],
      [{ bulkSubscribe: true }, "bulkSubscribe is no object"],
      [
        { bulkSubscribe: { enabled: false, maxMessagesCount: "9" } },
        "bulkSubscribe.maxMessagesCount is no whole number",
      ],
      [{ routes: { default: 1 } }, "routes.default is no text"],
      [{ routes: { rules: [[]] } }, "routes.rules[0] is no object"],
      [
        { routes: { rules: [{ match: 1 }] } },
        "routes.rules[0].match is no text",
      ],
      [{ deadLetterTopic: ["d"] }, "deadLetterTopic is no text"],
    ] as const
  ).map(
    ([more, why]) =>
      [
        { pubsubname: "p", topic: "a", route: "/a", ...more },
        `its ${why}`,
      ] satisfies [unknown, string],
  ),
  [7, "it is neither an object nor the name of a topic"],
])("%j is left out, and the others count", (entry, why) => {
  const { found, log } = read([
    entry,
    { pubsubname: "p", topic: "ok", route: "/ok" },
  ]);
  expect(found.map(({ topic }) => topic)).toEqual(["ok"]);
  expect(log).toHaveLength(1);
  expect(log[0]).toContain(`subscription 0: ${why}`);
});

test("a misspelt field is told", () => {
  const { log } = read([
    { pubsubname: "p", topic: "a", route: "/a", deadLeterTopic: "d" },
  ]);
  expect(log).toEqual([
    "warning GET /dapr/subscribe: subscription 0: deadLeterTopic is not a field and has no effect; did you mean deadLetterTopic?",
  ]);
});
