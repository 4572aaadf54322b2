/** Components that come, change and go, against a type of component whose opening the test decides. */
import { waitFor } from "../../tests/wait-for.ts";
import { createComponentSet } from "./component-set.ts";
import type { Closable } from "../contracts/component.ts";
import type { Logger } from "../shared/log.ts";
import { MetadataError } from "../contracts/metadata.ts";
import type { Category } from "./open-loaded.ts";
import type { LoadedComponent } from "../resources/kinds/component.ts";

const resource = (
  name: string,
  value = "",
  more: Partial<LoadedComponent> = {},
): LoadedComponent => ({
  name,
  namespace: "",
  type: "fake.one",
  version: "v1",
  metadata: [{ name: "value", value }],
  secretRefs: [],
  ignoreErrors: false,
  initTimeoutMs: 5000,
  scopes: [],
  secretStore: undefined,
  ...more,
});

function createFixture({ isPatient = true, failing = {} } = {}) {
  const lines: string[] = [];
  const events: string[] = [];
  const stores = new Set<string>();
  const problems: Record<string, Error> = failing;
  const gates: Record<string, { began(): void; passed: Promise<void> }> = {};
  const write = (msg: string) => void lines.push(msg);
  const log = {
    debug: write,
    info: write,
    warn: write,
    error: write,
    fatal: write,
    always: write,
    scope: () => log,
  } as Logger;
  const fake: Category = {
    known: [
      {
        type: "fake.one",
        versions: ["v1"],
        load: async () => ({
          type: "fake.one",
          versions: ["v1"],
          metadata: {},
          async open({ name, items }): Promise<Closable> {
            const label = `${name}${items[0]!.value}`;
            gates[label]?.began();
            await gates[label]?.passed;
            if (problems[label]) throw problems[label];
            events.push(`open ${label}`);
            return { close: async () => void events.push(`close ${label}`) };
          },
        }),
      },
    ],
    around: (component) => component,
    add: (_, { name, metadata }) => {
      events.push(`add ${name}${metadata[0]!.value}`);
      return [];
    },
    remove: async (_, { name, metadata }) =>
      void events.push(`remove ${name}${metadata[0]!.value}`),
  };
  const set = createComponentSet({
    appId: "app",
    env: {},
    log,
    categories: { fake },
    secrets: {
      has: (name) => stores.has(name),
      read: async () => ({ key: "secret" }),
    },
    tally: undefined,
    isPatient,
  });
  const names = () => set.loaded().map((one) => one.resource.name);
  return { set, events, lines, stores, problems, gates, names };
}

test("what is unchanged stays, what changed is opened before the old one goes", async () => {
  const { set, events } = createFixture();
  await set.load([resource("a"), resource("b", "1")]);
  events.length = 0;
  set.replace([resource("a"), resource("b", "2"), resource("c")]);
  await waitFor("the end of the old one", () => events.includes("close b1"));
  expect(events.filter((event) => /b/.test(event))).toEqual([
    "open b2",
    "add b2",
    "remove b1",
    "close b1",
  ]);
  expect(events.filter((event) => / a/.test(event))).toEqual([]);
  set.replace([resource("b", "2")]);
  await waitFor("the end of the others", () => set.loaded().length === 1);
  await set.close();
});

test("a wish that is overtaken while it opens is not put to use", async () => {
  const { set, events, gates } = createFixture();
  const began = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  gates["a1"] = { began: began.resolve, passed: gate.promise };
  set.replace([resource("a", "1")]);
  await began.promise;
  set.replace([resource("a", "2")]);
  gate.resolve();
  await waitFor("the second", () => events.includes("add a2"));
  expect(events).toEqual(["open a1", "close a1", "open a2", "add a2"]);
  set.replace([]);
  set.replace([resource("a", "2")]);
  await waitFor("it to be there again", () => set.loaded().length === 1);
  await set.close();
  expect(events.at(-1)).toMatch(/^close a2/);
});

test("one that fails is tried again, one that is changed at once, and the others are none the wiser", async () => {
  const { set, problems, names, lines } = createFixture({
    failing: { a1: new Error("late"), b1: new MetadataError("wrong") },
  });
  await set.load([resource("a", "1"), resource("b", "1"), resource("c")]);
  expect(names()).toEqual(["c"]);
  expect(set.failing()).toEqual(["a", "b"]);
  expect(lines.find((line) => line.includes("late"))).toContain(
    "trying again until it opens",
  );
  expect(lines.find((line) => line.includes("wrong"))).toContain(
    "once it is changed it is opened at once",
  );
  delete problems["a1"];
  set.replace([resource("a", "1"), resource("b", "2"), resource("c")]);
  await waitFor("all", () => set.failing().length === 0);
  expect(names()).toEqual(["a", "b", "c"]);
  await set.close();
});

test("a change that can't be opened leaves what there was", async () => {
  const { set, problems, events, names } = createFixture();
  await set.load([resource("a", "1")]);
  problems["a2"] = new Error("wrong");
  set.replace([resource("a", "2")]);
  set.replace([resource("a", "2"), resource("b")]);
  await waitFor("the other", () => names().includes("b"));
  expect(names()).toContain("a");
  expect(set.failing()).toEqual([]);
  expect(events).not.toContain("close a1");
  await set.close();
});

test("what asks a store that is not there waits for it", async () => {
  const { set, stores, names } = createFixture();
  const item = { name: "value", value: "" };
  const secretRefs = [{ item, name: "s", key: "key" }];
  await set.load([
    resource("a", "", { metadata: [item], secretRefs, secretStore: "vault" }),
  ]);
  expect(names()).toEqual([]);
  expect(set.failing()).toEqual([]);
  stores.add("vault");
  // The store's own component, in effect.
  set.replace([
    resource("a", "", { metadata: [item], secretRefs, secretStore: "vault" }),
    resource("vault"),
  ]);
  await waitFor("it to open", () => names().includes("a"));
  await set.close();
});

test("without patience one that fails ends the load, unless its errors are ignored", async () => {
  const failing = { a1: new Error("wrong") };
  const strict = createFixture({ isPatient: false, failing });
  await strict.set.load([
    resource("a", "1", { ignoreErrors: true }),
    resource("b"),
  ]);
  expect(strict.names()).toEqual(["b"]);
  await expect(strict.set.load([resource("c"), resource("a", "1")]))
    .rejects //
    .toThrow("failed to load components: process component a error");
  await strict.set.close();
  expect(strict.events.at(-1)).toBe("close b");
});

test("without patience one whose errors are ignored is tried again, and opens", async () => {
  const { set, problems, names, lines } = createFixture({
    isPatient: false,
    failing: { a1: new Error("late") },
  });
  const late = resource("a", "1", { ignoreErrors: true });
  await set.load([late, resource("b")]);
  expect(names()).toEqual(["b"]);
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^Ignoring error processing component: .*late.*; trying again until it opens$/,
    ),
  );
  delete problems["a1"];
  await waitFor("it to open", () => names().includes("a"));
  expect(set.failing()).toEqual([]);
  await set.close();
});

test.each([true, false])(
  "a type that Dapr has and we have not is left out, with patience %s",
  async (isPatient) => {
    const { set, lines, names } = createFixture({ isPatient });
    const absent = resource("queue", "", {
      type: "pubsub.redis",
      at: { file: "q.yaml", line: 6, column: 9 },
    });
    await set.load([absent, resource("a")]);
    expect(names()).toEqual(["a"]);
    expect(set.failing()).toEqual([]);
    expect(set.absent()).toEqual(["queue (pubsub.redis/v1)"]);
    expect(set.absence("a")).toBeUndefined();
    const why =
      "its type pubsub.redis is Dapr's, but not in this version of the sidecar (q.yaml:6:9)";
    expect(set.absence("queue")).toBe(why);
    const told = `component queue (pubsub.redis/v1) is left out: ${why}; what asks for it is told so`;
    expect(lines.filter((line) => line.includes("queue"))).toEqual([told]);
    if (isPatient) {
      set.replace([absent, resource("a"), resource("b")]);
      await waitFor("the other", () => names().includes("b"));
      expect(lines.filter((line) => line.includes("queue"))).toEqual([told]);
      set.replace([resource("queue"), resource("a")]);
      await waitFor("one that is here", () => names().includes("queue"));
      expect(set.absent()).toEqual([]);
    }
    await set.close();
  },
);
