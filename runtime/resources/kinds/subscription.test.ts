import { recordingLog } from "../../../tests/support/recording-log.ts";
import { readDocuments } from "../values/yaml.ts";
import { selectSubscriptions } from "./subscription.ts";

function read(text: string, appId = "a", env = {}) {
  const log = recordingLog();
  const documents = readDocuments(text, "s.yaml");
  return {
    found: selectSubscriptions(documents, { appId, env, log }),
    log: log.lines,
  };
}

const v1 = (spec: string, tail = "", name = "one") =>
  `apiVersion: dapr.io/v1alpha1\nkind: Subscription\nmetadata:\n  name: ${name}\nspec:\n${spec}${tail}`;
const v2 = (spec: string) => v1(spec).replace("v1alpha1", "v2alpha1");
const usual = "  pubsubname: p\n  topic: t\n";

test("the older version has a route", () => {
  expect(
    read(
      v1(
        `${usual}  route: /orders\n  deadLetterTopic: dead\n  metadata:\n    rawPayload: "true"\n    Key: v\n  bulkSubscribe:\n    enabled: true\n    maxAwaitDurationMs: 40\n`,
      ),
    ),
  ).toEqual({
    found: [
      {
        pubsub: "p",
        topic: "t",
        rules: [{ match: "", path: "/orders" }],
        deadLetterTopic: "dead",
        metadata: { rawPayload: "true", Key: "v" },
        bulk: { maxMessages: 100, maxAwaitMs: 40 },
        origin: "DECLARATIVE",
        at: { file: "s.yaml", line: 1, column: 1 },
      },
    ],
    log: [],
  });
});

test("the newer version has routes", () => {
  const { found, log } = read(
    v2(
      `${usual}  routes:\n    rules:\n      - match: event.type == "a"\n        path: /a\n    default: /rest\n`,
    ),
  );
  expect(found[0]!.rules).toEqual([
    {
      match: 'event.type == "a"',
      path: "/a",
      at: { file: "s.yaml", line: 10, column: 16 },
    },
    { match: "", path: "/rest" },
  ]);
  expect(log).toEqual([]);
});

test("one for other apps or another namespace does not count", () => {
  const scoped = v1(`${usual}  route: /a\n`, "scopes:\n  - b\n");
  expect(read(scoped).found).toEqual([]);
  expect(read(scoped, "b").found).toHaveLength(1);
  const elsewhere = v1(`${usual}  route: /a\n`).replace(
    "  name: one",
    "  name: one\n  namespace: other",
  );
  expect(read(elsewhere, "a", { NAMESPACE: "mine" }).found).toEqual([]);
});

test.each([
  [v1("  topic: t\n  route: /a\n"), "it has no spec.pubsubname (s.yaml:6:3)"],
  [v1("  pubsubname: p\n  route: /a\n"), "it has no spec.topic (s.yaml:6:3)"],
  [v1(usual), "it has no spec.route (s.yaml:6:3)"],
  [
    v1(`${usual}  routes:\n    default: /a\n`),
    "it has no spec.route: spec.routes belongs to apiVersion dapr.io/v2alpha1 (s.yaml:6:3)",
  ],
  [
    v2(`${usual}  route: /a\n`),
    "it has no spec.routes with rules or a default: spec.route belongs to apiVersion dapr.io/v1alpha1 (s.yaml:6:3)",
  ],
  [
    v2(`${usual}  routes:\n    rules:\n      - match: a\n`),
    "spec.routes.rules[0] has no path (s.yaml:10:9)",
  ],
  [
    v1(`${usual}  route: /a\n  metadata: text\n`),
    "spec.metadata must be a map of settings (s.yaml:9:13)",
  ],
  [
    v1(`${usual}  route: /a\n  bulkSubscribe:\n    enabled: yes!\n`),
    "spec.bulkSubscribe.enabled must be true or false (s.yaml:10:14)",
  ],
  [
    v1(`${usual}  route: /a\n`, "scopes: a\n"),
    'scopes must be a list, "- …" (s.yaml:9:9)',
  ],
])("a malformed one is told with its place (%#)", (text, why) => {
  const { found, log } = read(text);
  expect(found).toEqual([]);
  expect(log.at(-1)).toContain(
    `warning A document was not loaded: subscription "one": ${why}`,
  );
});

test("a misspelt field is told with its place and the right name", () => {
  const { found, log } = read(v1(`${usual}  route: /a\n  deadLeterTopic: d\n`));
  expect(found).toHaveLength(1);
  expect(log).toEqual([
    'warning subscription "one": spec.deadLeterTopic is not a field and has no effect; did you mean deadLetterTopic? (s.yaml:9:3)',
  ]);
});

test("two of one name are an error", () => {
  const text = v1(`${usual}  route: /a\n`);
  expect(() => read(`${text}---\n${text}`)).toThrow(
    "duplicate definition of Subscription name one (s.yaml:10:1, s.yaml:1:1): rename or scope one of them",
  );
});
