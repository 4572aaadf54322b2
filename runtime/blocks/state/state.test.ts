/** The state block on a store that records what it is asked. */
import { ApiError } from "../../contracts/errors.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Logger } from "../../shared/log.ts";
import { EtagError, type StateStore } from "../../contracts/state-store.ts";
import { createStates } from "./state.ts";
import { stayingCall } from "../../../tests/support/call.ts";

const log = { info() {} } as unknown as Logger;

function recording(more: Partial<StateStore> = {}) {
  const asked: unknown[] = [];
  const note =
    (name: string) =>
    async (...args: unknown[]) =>
      void asked.push([name, ...args]);
  const store: StateStore = {
    features: ["ETAG", "TRANSACTIONAL"],
    get: note("get") as StateStore["get"],
    set: note("set"),
    delete: note("delete"),
    transact: note("transact"),
    close: async () => {},
    ...more,
  };
  return { store, asked };
}

function statesWith(
  more: Partial<StateStore> = {},
  metadata: Record<string, string> = {},
  namespace = "",
) {
  const { store, asked } = recording(more);
  const states = createStates({ appId: "nodeapp", namespace, log });
  const items = Object.entries(metadata).map(([name, value]) => ({
    name,
    value,
  }));
  states.add("store1", store, items, messageOf);
  return { access: states.of("store1"), asked, states };
}

const item = (key: string) => ({ key, value: "1", metadata: {} });

async function failureOf(run: () => unknown): Promise<ApiError> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    return error as ApiError;
  }
  throw new Error("it did not fail");
}

test.each([
  [{}, "", "nodeapp||k"],
  [{ keyPrefix: "" }, "", "nodeapp||k"],
  [{ keyprefix: "APPID" }, "ns", "nodeapp||k"],
  [{ keyPrefix: "name" }, "", "store1||k"],
  [{ keyPrefix: "namespace" }, "ns", "ns.nodeapp||k"],
  [{ keyPrefix: "namespace" }, "", "nodeapp||k"],
  [{ keyPrefix: "none" }, "", "k"],
  [{ keyPrefix: "Shared" }, "", "shared||k"],
])("prefix %j in namespace %j makes %s", async (metadata, namespace, key) => {
  const { access, asked } = statesWith({}, metadata as never, namespace);
  await access.get("k", undefined, {}, stayingCall);
  expect(asked).toEqual([["get", { key, metadata: {} }, stayingCall]]);
});

test.each([
  [{ keyPrefix: "a||b" }, /keyPrefix 'a\|\|b' can't contain/],
  [{ primaryEncryptionKey: "00" }, /has not got encrypted state/],
  [{ SECONDARYencryptionkey: "00" }, /has not got encrypted state/],
  [{ outboxPublishTopic: "t" }, /has not got the outbox/],
])("a component with %j is refused", (metadata, text) => {
  expect(() => statesWith({}, metadata as never)).toThrow(text);
});

test("two actor state stores are refused", () => {
  const { states } = statesWith({}, { actorStateStore: "true" });
  const actor = [{ name: "actorStateStore", value: "1" }];
  expect(() =>
    states.add("store2", recording().store, actor, messageOf),
  ).toThrow("detected duplicate actor state store: store1 and store2");
});

test("no store, and another store", async () => {
  const none = createStates({ appId: "nodeapp", namespace: "", log });
  expect(await failureOf(() => none.of("x"))).toMatchObject({
    status: 500,
    code: "ERR_STATE_STORE_NOT_CONFIGURED",
  });
  const { states } = statesWith();
  expect(await failureOf(() => states.of("x"))).toMatchObject({
    status: 400,
    code: "ERR_STATE_STORE_NOT_FOUND",
  });
});

test("of one bad item nothing is stored", async () => {
  const { access, asked } = statesWith();
  const bad = { ...item("b"), options: { concurrency: "maybe" } };
  for (const items of [
    [item("a"), item("")],
    [item("a"), item("x||y")],
    [item("a"), bad],
  ])
    await failureOf(() => access.save(items, stayingCall));
  expect(asked).toEqual([]);
});

test("without a bulk call items are set one by one, and every failure is told", async () => {
  const set = async ({ key }: { key: string }) => {
    if (key !== "nodeapp||b") throw new Error(`no ${key}`);
  };
  const { access } = statesWith({ set });
  const failure = await failureOf(() =>
    access.save([item("a"), item("b"), item("c")], stayingCall),
  );
  expect(failure.status).toBe(500);
  expect(failure.message).toBe(
    "failed saving state in state store store1: no nodeapp||a\nno nodeapp||c",
  );
});

test("of one key's several values in a save the last stays", async () => {
  const stored = new Map<string, unknown>();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const { access } = statesWith({
    async set({ key, value }) {
      for (let turns = Number(value); turns > 0; turns--) await turn();
      if (value === "1") throw new Error("no 1");
      stored.set(key, value);
    },
  });
  const values = ["3", "2", "1", "0"];
  const items = values.map((value) => ({ ...item("a"), value }));
  const failure = await failureOf(() =>
    access.save([...items, item("b")], stayingCall),
  );
  expect(failure.message).toMatch(/: no 1\nno 1$/);
  expect(stored.get("nodeapp||a")).toBe("0");
});

test("among failures an etag's decides", async () => {
  const bulkSet = async () => [
    new Error("disk"),
    undefined,
    new EtagError("mismatch"),
  ];
  const { access } = statesWith({ bulkSet });
  const failure = await failureOf(() =>
    access.save([item("a"), item("b"), item("c")], stayingCall),
  );
  expect(failure).toMatchObject({
    status: 409,
    message:
      "failed saving state in state store store1: disk\npossible etag mismatch. error from state store",
  });
});

test("a bulk get without the store's own runs no more at a time than asked", async () => {
  let running = 0;
  let most = 0;
  const { access } = statesWith({
    async get({ key }) {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (key.endsWith("3")) throw new Error("no 3");
      return key.endsWith("4") ? undefined : { data: `"${key}"` };
    },
  });
  const keys = ["1", "2", "3", "4", "5"];
  expect(await access.bulkGet(keys, 2, {}, stayingCall)).toEqual([
    { key: "1", entry: { data: '"nodeapp||1"' } },
    { key: "2", entry: { data: '"nodeapp||2"' } },
    { key: "3", error: "no 3" },
    { key: "4" },
    { key: "5", entry: { data: '"nodeapp||5"' } },
  ]);
  expect(most).toBe(2);
  most = 0;
  await access.bulkGet(keys, 0, {}, stayingCall);
  expect(most).toBe(5);
});

test("a key that the store can't hold is refused before it is asked; in a bulk get it costs no other key", async () => {
  const { access, asked } = statesWith({
    refuseKey: (key) => (key === "nodeapp||bad" ? "it is bad" : undefined),
    bulkGet: async (requests) => requests.map(({ key }) => ({ data: key })),
  });
  for (const refused of [
    () => access.get("bad", undefined, {}, stayingCall),
    () => access.save([item("good"), item("bad")], stayingCall),
    () => access.delete({ key: "bad", metadata: {} }, stayingCall),
    () =>
      access.transact(
        [{ operation: "upsert", request: item("bad") }],
        {},
        stayingCall,
      ),
  ])
    expect(await failureOf(refused)).toMatchObject({
      status: 400,
      code: "ERR_MALFORMED_REQUEST",
      message: 'state store store1 can\'t hold the key "bad": it is bad',
    });
  expect(asked).toEqual([]);
  expect(
    await access.bulkGet(["a", "bad", "b", "bad"], 0, {}, stayingCall),
  ).toEqual([
    { key: "a", entry: { data: "nodeapp||a" } },
    { key: "bad", error: expect.stringContaining("it is bad") },
    { key: "b", entry: { data: "nodeapp||b" } },
    { key: "bad", error: expect.stringContaining("it is bad") },
  ]);
});

test("transactions: unknown operations, too many, and stores without", async () => {
  const { access, asked } = statesWith({ maxTransactionOperations: 1 });
  const upsert = { operation: "upsert", request: item("a") } as const;
  const unknown = { operation: "unknown", name: "move" } as const;
  expect(
    await failureOf(() => access.transact([upsert, unknown], {}, stayingCall)),
  ).toMatchObject({
    status: 400,
    message: "operation type move not supported",
  });
  const tooMany = await failureOf(() =>
    access.transact([upsert, upsert], {}, stayingCall),
  );
  expect(tooMany.code).toBe("ERR_STATE_STORE_TOO_MANY_TRANSACTIONS");
  expect(tooMany.details).toContainEqual(
    expect.objectContaining({
      metadata: { currentOpsTransaction: "2", maxOpsPerTransaction: "1" },
    }),
  );
  await access.transact([], {}, stayingCall);
  expect(asked).toEqual([]);
  const plain = statesWith({ features: ["ETAG"] });
  expect(
    await failureOf(() => plain.access.transact([upsert], {}, stayingCall)),
  ).toMatchObject({ code: "ERR_STATE_STORE_NOT_SUPPORTED", status: 500 });
});

test("a query's result keys are the app's own", async () => {
  const { access } = statesWith({
    query: async () => ({ results: [{ key: "nodeapp||a", data: "1" }] }),
  });
  expect(await access.query({}, {}, stayingCall)).toEqual({
    results: [{ key: "a", data: "1" }],
  });
  const failure = await failureOf(() =>
    access.query({ filter: 1 }, {}, stayingCall),
  );
  expect(failure.message).toBe(
    "state store store1 query failed: filter must be a map",
  );
});
