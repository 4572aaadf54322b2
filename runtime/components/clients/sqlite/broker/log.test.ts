import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "./database.ts";
import type { Database } from "./database.ts";
import { append, ensureTopic, fetch, heads } from "./log.ts";
import { registerGroup } from "./group.ts";
import { groupLifeMs, sweep } from "./retention.ts";

const options = { fullSync: false, maxSizeBytes: 1 << 24 };
let folder: string;
let db: Database;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sqlite-log-"));
  db = openDatabase(join(folder, "log.db"), options);
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

const write = <T>(step: () => T) => db.write(step, { durable: false });
const ids = (topic: string) => ensureTopic(db, topic, 2);

/** Appends texts (null: a null record) to a partition of `orders`. */
function add(partition: number, ...values: (string | null)[]): void {
  const entries = values.map((value) => ({
    topic: "orders",
    partition,
    key: null,
    headers: null,
    size: value === null ? -1 : Buffer.byteLength(value),
  }));
  write(() => append(db, entries, Buffer.from(values.join("")), ids));
}

function read(
  partition: number,
  offset = 0,
  limit = 100,
  maxBytes = 1000,
): (string | null)[] {
  const { rows, data } = fetch(
    db,
    ids("orders")[partition]!,
    offset,
    limit,
    maxBytes,
  );
  let at = 0;
  return rows.map(({ size }) =>
    size < 0 ? null : Buffer.from(data.subarray(at, (at += size))).toString(),
  );
}

test("each partition counts its own offsets, values come back as they were", () => {
  add(0, "a", "", null, "dd");
  add(1, "x");
  add(0, "e");
  expect(read(0)).toEqual(["a", "", null, "dd", "e"]);
  expect(read(1)).toEqual(["x"]);
  expect([...heads(db, "orders").values()]).toEqual([5, 1]);
  expect(read(0, 3)).toEqual(["dd", "e"]);
  expect(read(0, 5)).toEqual([]);
});

test("a fetch ends at its limits, but always gives one message", () => {
  add(0, "aaaa", "bbbb", "cccc");
  expect(read(0, 0, 2)).toEqual(["aaaa", "bbbb"]);
  expect(read(0, 0, 100, 5)).toEqual(["aaaa", "bbbb"]);
  expect(read(0, 0, 100, 0)).toEqual(["aaaa"]);
});

test("a topic keeps the number of partitions it was made with", () => {
  expect(write(() => ensureTopic(db, "orders", 3))).toHaveLength(3);
  expect(write(() => ensureTopic(db, "orders", 8))).toHaveLength(3);
});

test("a batch that fails leaves nothing behind", () => {
  const entry = {
    topic: "orders",
    partition: 0,
    key: null,
    headers: null,
    size: 1,
  };
  const bad = { ...entry, partition: 9 };
  expect(() =>
    write(() => append(db, [entry, bad], Buffer.from("ab"), ids)),
  ).toThrow("topic orders has no partition 9");
  add(0, "c");
  expect(read(0)).toEqual(["c"]);
  expect([...heads(db, "orders").values()]).toEqual([1, 0]);
});

const deletedBy = (maxAgeMs: number, maxCount: number) =>
  sweep(db, () => ({ maxAgeMs, maxCount }), 10_000).deleted;
const commit = (group: string, next: number) =>
  write(() =>
    db.run("UPDATE log_share SET committed = ? WHERE grp = ?", next, group),
  );

test("retention keeps what a live group has not taken, whatever its age", () => {
  write(() => ids("orders"));
  write(() => registerGroup(db, "fast", "orders", "oldest"));
  write(() => registerGroup(db, "slow", "orders", "oldest"));
  add(0, "a", "b", "c", "d");
  commit("fast", 4);
  commit("slow", 2);
  expect(deletedBy(-1, 100)).toBe(2);
  expect(read(0)).toEqual(["c", "d"]);
});

test("retention keeps young messages up to a count", () => {
  write(() => ids("orders"));
  write(() => registerGroup(db, "group", "orders", "oldest"));
  add(0, ...Array.from({ length: 1200 }, (_, n) => String(n % 10)));
  commit("group", 1200);
  expect(deletedBy(60_000, 1200)).toBe(0);
  expect(deletedBy(60_000, 5)).toBe(1195);
  expect(read(0)).toEqual(["5", "6", "7", "8", "9"]);
});

test("a component deletes only messages of its own kind", () => {
  write(() => ids("orders"));
  write(() => ids("pubsub,orders"));
  add(0, "a");
  const partition = db.one(
    "SELECT id FROM log_partition WHERE topic = 'pubsub,orders'",
  )!["id"] as number;
  const entry = {
    topic: "pubsub,orders",
    partition: 0,
    key: null,
    headers: null,
    size: 1,
  };
  write(() => append(db, [entry], Buffer.from("b"), ids));
  const all = { maxAgeMs: -1, maxCount: 0 };
  const only = (space: string) => (own: string) =>
    own === space ? all : undefined;
  const left = () => fetch(db, partition, 0, 10, 1000).rows.length;
  expect(sweep(db, only(""), 10_000).deleted).toBe(1);
  expect(left()).toBe(1);
  expect(sweep(db, only("pubsub,"), 10_000).deleted).toBe(1);
  expect(left()).toBe(0);
});

test("a sweep whose time is up says that there is more", () => {
  write(() => ids("orders"));
  add(0, "a", "b");
  expect(sweep(db, () => ({ maxAgeMs: -1, maxCount: 0 }), -1)).toEqual({
    deleted: 0,
    more: true,
  });
  expect(sweep(db, () => ({ maxAgeMs: -1, maxCount: 0 }), 10_000)).toEqual({
    deleted: 2,
    more: false,
  });
});

test("a group not seen for a week holds nothing back; without a group only age counts", () => {
  write(() => ids("orders"));
  add(0, "a", "b");
  expect(deletedBy(60_000, 0)).toBe(0);
  write(() => registerGroup(db, "gone", "orders", "oldest"));
  expect(deletedBy(-1, 0)).toBe(0);
  write(() =>
    db.run("UPDATE log_share SET seen_at = ?", Date.now() - groupLifeMs - 1),
  );
  expect(deletedBy(-1, 0)).toBe(2);
});

test("a file of a newer release is refused by name", () => {
  write(() => db.run("UPDATE log_meta SET value = 99 WHERE key = 'version'"));
  expect(() => openDatabase(db.path, options)).toThrow(
    /log\.db: its tables have version 99/,
  );
});
