/** The file of state.sqlite: the original's layout, other programs that use it, and faults of files. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { stateStores } from "../../runtime/components/index.ts";
import type { StateStore } from "../../runtime/contracts/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";
import { openBuiltIn } from "./open-component.ts";
import { textOf } from "./state-harness.ts";

let file: string;
let opened: { close(): void | Promise<void> }[] = [];

beforeEach(() => {
  file = join(tempFolder("state-file"), "state.db");
});
afterEach(async () => {
  for (const one of opened) await one.close();
  opened = [];
});

async function open(metadata: Record<string, string> = {}, log?: string[]) {
  const store = await openBuiltIn(stateStores, "state.sqlite", {
    metadata: { connectionString: file, ...metadata },
    ...(log ? { log } : {}),
  });
  opened.push(store);
  return store;
}
function database() {
  const db = new DatabaseSync(file, { timeout: 5000 });
  opened.push({ close: () => void (db.isOpen && db.close()) });
  return db;
}
const set = (store: StateStore, key: string, value: string, ttl?: string) =>
  store.set({ key, value, metadata: ttl ? { ttlInSeconds: ttl } : {} });
const get = async (store: StateStore, key: string) =>
  textOf(await store.get({ key, metadata: {} }));

test("tables, columns and values are written as the original writes them", async () => {
  const store = await open();
  await set(store, "app||a", '{"n":1}', "100");
  await store.set({
    key: "app||b",
    value: Buffer.from([0, 255]),
    metadata: {},
  });
  const db = database();
  expect(
    db.prepare("SELECT name, type, pk FROM pragma_table_info('state')").all(),
  ).toMatchObject([
    { name: "key", type: "TEXT", pk: 1 },
    { name: "value", type: "TEXT" },
    { name: "is_binary", type: "BOOLEAN" },
    { name: "etag", type: "TEXT" },
    { name: "expiration_time", type: "TIMESTAMP" },
    { name: "update_time", type: "TIMESTAMP" },
  ]);
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  const etag = expect.stringMatching(/^[0-9a-f-]{36}$/);
  expect(db.prepare("SELECT * FROM state ORDER BY key").all()).toEqual([
    {
      key: "app||a",
      value: '{"n":1}',
      is_binary: 0,
      etag,
      expiration_time: time,
      update_time: time,
    },
    {
      key: "app||b",
      value: "AP8=",
      is_binary: 1,
      etag,
      expiration_time: null,
      update_time: time,
    },
  ]);
  expect(db.prepare("SELECT * FROM metadata").all()).toEqual([
    { key: "migrations", value: "1" },
  ]);
  expect(db.prepare("PRAGMA journal_mode").get()).toEqual({
    journal_mode: "wal",
  });
});

test("rows that the original wrote are read", async () => {
  const db = database();
  db.exec(`CREATE TABLE metadata (key text NOT NULL PRIMARY KEY, value text NOT NULL);
    INSERT INTO metadata VALUES ('migrations', '1');
    CREATE TABLE state (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, is_binary BOOLEAN NOT NULL, etag TEXT NOT NULL,
      expiration_time TIMESTAMP DEFAULT NULL, update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
    INSERT INTO state (key, value, is_binary, etag, expiration_time) VALUES
      ('app||a', '{"orderId":"42"}', 0, 'e1', NULL),
      ('app||b', 'aGVsbG8=', 1, 'e2', '2999-01-02 03:04:05'),
      ('app||old', '1', 0, 'e3', '2001-01-01 00:00:00');`);
  const store = await open();
  expect(await store.get({ key: "app||a", metadata: {} })).toEqual({
    data: '{"orderId":"42"}',
    etag: "e1",
  });
  const binary = (await store.get({ key: "app||b", metadata: {} }))!;
  expect(textOf(binary)).toBe("hello");
  expect(binary.metadata).toEqual({ ttlExpireTime: "2999-01-02T03:04:05Z" });
  expect(await get(store, "app||old")).toBeUndefined();
  await expect(
    store.set({ key: "app||old", value: "2", etag: "e3", metadata: {} }),
  ).rejects.toThrow("possible etag mismatch");
});

test("table names can be set, and a missing table is created", async () => {
  await set(await open(), "a", "1");
  const other = await open({ tableName: "orders", metadataTableName: "notes" });
  await set(other, "a", "2");
  const third = await open({ tableName: "third" });
  expect(await get(third, "a")).toBeUndefined();
  expect(await get(other, "a")).toBe("2");
});

test("expired rows are removed by one of several sidecars per interval", async () => {
  const log: string[] = [];
  const writer = await open({}, log);
  const db = database();
  for (let i = 0; i < 50; i++) await set(writer, `short${i}`, "1", "1");
  await set(writer, "kept", "1");
  const count = () => db.prepare("SELECT count(*) AS n FROM state").get()!["n"];
  expect(count()).toBe(51);
  await open({ cleanupInterval: "1s" }, log);
  await open({ cleanupIntervalInSeconds: "1" }, log);
  await waitFor("the sweep", () => count() === 1, 10_000);
  expect(db.prepare("SELECT key FROM metadata ORDER BY key").all()).toEqual([
    { key: "last-cleanup" },
    { key: "migrations" },
  ]);
  expect(log).toEqual([]);
});

test("without a cleanup interval expired rows stay in the file but are not found", async () => {
  const store = await open();
  await set(store, "short", "1", "1");
  await waitFor(
    "its end",
    async () => (await get(store, "short")) === undefined,
  );
  expect(database().prepare("SELECT count(*) AS n FROM state").get()).toEqual({
    n: 1,
  });
});

test("several stores on one file can write at the same time and see each other's values", async () => {
  const stores = await Promise.all([open(), open(), open()]);
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => set(stores[i % 3]!, `k${i}`, `${i}`)),
  );
  for (let i = 0; i < 300; i += 7)
    expect(await get(stores[(i + 1) % 3]!, `k${i}`)).toBe(`${i}`);
});

test("a save waits for another program's lock, then fails with an error that says so; reads go on", async () => {
  const store = await open({ busyTimeout: "300ms" });
  await set(store, "a", "1");
  const db = database();
  db.exec("BEGIN IMMEDIATE");
  await expect(set(store, "a", "2")).rejects.toThrow(
    /state\.db is locked by another program/,
  );
  expect(await get(store, "a")).toBe("1");
  db.exec("COMMIT");
  await set(store, "a", "3");
  expect(await get(store, "a")).toBe("3");
});

test("a lock that is longer than the timeout fails the request but not the store", async () => {
  const store = await open({ timeout: "1s", busyTimeout: "3s" });
  const db = database();
  db.exec("BEGIN IMMEDIATE");
  await expect(set(store, "a", "1")).rejects.toThrow(
    /locked by another program/,
  );
  db.exec("COMMIT");
  await set(store, "b", "2");
  expect(await get(store, "a")).toBeUndefined();
  expect(await get(store, "b")).toBe("2");
});

test("after a file is replaced while in use, the log says so and the new one is used", async () => {
  const store = await open();
  await set(store, "a", "1");
  for (const suffix of ["", "-wal", "-shm"])
    renameSync(file + suffix, `${file}.moved${suffix}`);
  await expect(set(store, "b", "2")).rejects.toThrow(
    /state\.db: deleted or replaced while in use/,
  );
  await set(store, "c", "3");
  expect(await get(store, "a")).toBeUndefined();
  expect(await get(store, "c")).toBe("3");
});

test("a file that is no database is an error that names it", async () => {
  writeFileSync(
    file,
    "this is a text file, and not a short one at that\n".repeat(50),
  );
  await expect(open()).rejects.toThrow(/state\.db is not a SQLite database/);
});

test("a read-only file can be read, and a write is an error that names it", async () => {
  const store = await open();
  await set(store, "a", "1");
  await store.close();
  const reader = await open({ connectionString: `file:${file}?mode=ro` });
  expect(await get(reader, "a")).toBe("1");
  await expect(set(reader, "a", "2")).rejects.toThrow(/not writable/);
  expect(await get(reader, "a")).toBe("1");
});

test("a closed store refuses requests, and the error says why", async () => {
  const store = await open();
  await store.close();
  await expect(set(store, "a", "1")).rejects.toThrow(/state\.db: closed/);
});
