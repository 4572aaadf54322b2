/** The client's own promises; what the store does is in tests/contracts. */
import { Worker } from "node:worker_threads";
import { openStateFile, type StateClient } from "./client.ts";
import type { StateTask } from "./protocol.ts";

const sends = jest.spyOn(Worker.prototype, "postMessage");
/** The client's threads so far. */
const threads = () => [...new Set(sends.mock.contexts as Worker[])];
let client: StateClient;

beforeEach(async () => {
  client = await openStateFile({
    location: ":memory:",
    path: undefined,
    label: "the test's database",
    isReadOnly: false,
    useWal: false,
    pragmas: [],
    busyTimeoutMs: 100,
    table: "state",
    metadataTable: "metadata",
    cleanupIntervalMs: 0,
    timeoutMs: 5000,
    onProblem(text) {
      throw new Error(text);
    },
  });
});
afterEach(async () => {
  await client.close();
  sends.mockClear();
});

const set = (key: string, value = "1"): StateTask => ({
  op: "set",
  key,
  value,
  ttl: 0,
  etag: undefined,
  first: false,
});

test("when the thread ends, what waits is told, and the next request gets a new one", async () => {
  expect(await client.run(set("a"))).toBeNull();
  const lost = client.run(set("b"));
  await threads()[0]!.terminate();
  await expect(lost).rejects.toThrow(
    "the test's database: the database's thread has ended",
  );
  expect(await client.run(set("c"))).toBeNull();
  expect(threads()).toHaveLength(2);
  // A database in memory went with its thread.
  expect(await client.run({ op: "get", key: "a" })).toBeNull();
  expect(await client.run({ op: "get", key: "c" })).toEqual([
    "1",
    expect.any(String),
    null,
  ]);
});

test("more than can be held is refused, what is held is stored", async () => {
  const size = 100 << 20;
  const results = await Promise.allSettled(
    ["a", "b", "c"].map((key) => client.run(set(key), size)),
  );
  expect(results.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
  ]);
  expect(results[2]).toMatchObject({
    reason: { message: expect.stringContaining("send slower") },
  });
  expect(await client.run(set("d"), size)).toBeNull();
});

test("tasks of one turn are done in their order", async () => {
  const outcomes = await Promise.all([
    client.run({ op: "get", key: "a" }),
    client.run(set("a", '"first"')),
    client.run({ op: "get", key: "a" }),
    client.run(set("a", '"second"')),
    client.run({ op: "get", key: "a" }),
    client.run({ op: "delete", key: "a", etag: "no" }),
    client.run({ op: "get", key: "a" }),
  ]);
  const found = (value: string) => [value, expect.any(String), null];
  expect(outcomes).toEqual([
    null,
    null,
    found('"first"'),
    null,
    found('"second"'),
    "mismatch",
    found('"second"'),
  ]);
});
