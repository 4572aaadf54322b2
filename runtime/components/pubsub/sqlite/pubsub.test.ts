import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  openBinding,
  openPubSub,
} from "../../../../tests/contracts/open-component.ts";
import { waitFor } from "../../../../tests/wait-for.ts";
import type { PubSub, TopicMessage } from "../../../contracts/pubsub.ts";

let folder: string;
let path: string;
let closing: (() => Promise<void>)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pubsub-sqlite-"));
  path = join(folder, "embedded.db");
  closing = [];
});
afterEach(async () => {
  for (const close of closing) await close();
  rmSync(folder, { recursive: true });
});

async function open(extra: Record<string, string> = {}, log: string[] = []) {
  const bus = await openPubSub("pubsub.sqlite", {
    metadata: { path, ...extra },
    log,
  });
  closing.push(() => bus.close());
  return bus;
}

async function openSameFile(extra: Record<string, string> = {}) {
  const binding = await openBinding("bindings.sqlite", {
    metadata: { path, topics: "orders", publishTopic: "orders", ...extra },
  });
  closing.push(() => binding.close());
  return binding;
}

const publish = (
  bus: PubSub,
  data: string,
  metadata: Record<string, string> = {},
) =>
  bus.publish({
    topic: "orders",
    data: Buffer.from(data),
    contentType: "text/plain",
    metadata,
  });

const text = ({ data }: { data: Uint8Array }) => Buffer.from(data).toString();

async function collect(bus: PubSub) {
  const messages: TopicMessage[] = [];
  await bus.subscribe(
    { topic: "orders", metadata: {} },
    async (message) => void messages.push(message),
  );
  return messages;
}

/** The stored messages, without a sidecar. */
function stored(): string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database.prepare("SELECT value FROM log_message").all();
  database.close();
  return rows.map(({ value }) => Buffer.from(value as Uint8Array).toString());
}

test("a binding on the same file, with the same topic and group, has messages of its own", async () => {
  const bus = await open({ consumerID: "group" });
  const binding = await openSameFile({ consumerGroup: "group" });
  const messages = await collect(bus);
  const orders: string[] = [];
  await binding.read!(
    async (message) => void orders.push(text(message)) as undefined,
  );
  for (let n = 0; n < 20; n++) {
    await publish(bus, `message ${n}`);
    await binding.invoke!({
      operation: "create",
      data: Buffer.from(`order ${n}`),
      metadata: {},
    });
  }
  await waitFor(
    "all messages",
    () => messages.length >= 20 && orders.length >= 20,
  );
  const names = (word: string) =>
    Array.from({ length: 20 }, (_, n) => `${word} ${n}`).sort();
  expect(messages.map(text).sort()).toEqual(names("message"));
  expect(orders.sort()).toEqual(names("order"));
  // The one that is left works as before.
  await binding.close();
  await publish(bus, "last");
  await waitFor("the last", () => messages.length === 21);
});

test("a binding's topic can't be that of a bus, since it has no comma", async () => {
  for (const property of ["publishTopic", "deadLetterTopic"])
    await expect(openSameFile({ [property]: "pubsub,orders" })).rejects.toThrow(
      `sqlite error: metadata '${property}': a topic has no comma in its name, and this is one topic`,
    );
});

test("each message has its place, and the metadata of its first place do not hide it", async () => {
  const bus = await open({ partitions: "4" });
  const messages = await collect(bus);
  await publish(bus, "a", { partitionKey: "k", partitionNumber: "2" });
  await publish(bus, "b", {
    partitionNumber: "2",
    __offset: "77",
    __topic: "elsewhere",
    __contentType: "x",
  });
  await waitFor("both", () => messages.length === 2);
  expect(messages[0]).toMatchObject({
    topic: "orders",
    contentType: "text/plain",
    metadata: {
      __key: "k",
      __topic: "orders",
      __partition: "2",
      __offset: "0",
      __timestamp: expect.stringMatching(/^\d{13}$/),
    },
  });
  expect(messages[1]!.metadata).toMatchObject({
    __offset: "1",
    __topic: "orders",
  });
  for (const { metadata, contentType } of messages) {
    expect(metadata).not.toHaveProperty("__contentType");
    expect(contentType).toBe("text/plain");
  }
});

test.each(["0", "-1", "1.5", "soon", ""])(
  "ttlInSeconds %p is refused",
  async (ttlInSeconds) => {
    await expect(publish(await open(), "x", { ttlInSeconds })).rejects.toThrow(
      `'ttlInSeconds': "${ttlInSeconds}" is not a whole number of seconds above 0`,
    );
  },
);

test("a message whose time is over while it is refused is not delivered again, and the next one follows", async () => {
  const log: string[] = [];
  const bus = await open({ partitions: "1", backOffDuration: "20ms" }, log);
  const seen: string[] = [];
  await bus.subscribe({ topic: "orders", metadata: {} }, async (message) => {
    seen.push(text(message));
    if (text(message) === "stale") throw new Error("no");
  });
  await publish(bus, "stale", { ttlInSeconds: "1" });
  await publish(bus, "next");
  await waitFor("the next message", () => seen.includes("next"));
  expect(seen.filter((data) => data === "next")).toHaveLength(1);
  expect(log.join("\n")).toMatch(
    /debug 1 of orders\/0 not delivered: their ttlInSeconds is over/,
  );
});

test("a message that is given up is logged, and the next one follows", async () => {
  const log: string[] = [];
  const bus = await open(
    { partitions: "1", backOffDuration: "5ms", backOffMaxRetries: "2" },
    log,
  );
  const seen: string[] = [];
  await bus.subscribe({ topic: "orders", metadata: {} }, async (message) => {
    seen.push(text(message));
    if (text(message) === "bad") throw new Error("no good");
  });
  await publish(bus, "bad");
  await publish(bus, "good");
  await waitFor("the good one", () => seen.includes("good"));
  expect(seen).toEqual(["bad", "bad", "bad", "good"]);
  expect(log.join("\n")).toMatch(
    /error message 0 of orders\/0 given up after 3 deliveries \(no good\) and skipped/,
  );
});

test("a new group begins with the oldest message, or with those that come", async () => {
  const bus = await open();
  await publish(bus, "early");
  const newest = await collect(
    await open({ consumerID: "newest", initialOffset: "newest" }),
  );
  const oldest = await collect(bus);
  await publish(bus, "late");
  await waitFor("the late one", () =>
    [newest, oldest].every((list) => list.some((m) => text(m) === "late")),
  );
  expect(newest.map(text)).toEqual(["late"]);
  expect(oldest.map(text).sort()).toEqual(["early", "late"]);
});

test("a bulk's entries have their own metadata, and what the request says besides is not theirs", async () => {
  const bus = await open();
  const messages = await collect(bus);
  const entry = {
    entryId: "1",
    data: Buffer.from("x"),
    contentType: "text/plain",
    metadata: { own: "1" },
  };
  await bus.publishBulk!("orders", [entry], { partitionKey: "k", ttl: "5" });
  await waitFor("the message", () => messages.length === 1);
  const { metadata } = messages[0]!;
  expect(Object.keys(metadata).filter((key) => !key.startsWith("__"))).toEqual([
    "own",
  ]);
  expect(metadata).not.toHaveProperty("__key");
});

test("an app that comes later gets what was published before, a bulk in one transaction", async () => {
  const bus = await open();
  const entries = ["a", "b", "c"].map((data) => ({
    entryId: data,
    data: Buffer.from(data),
    contentType: "text/plain",
    metadata: {},
  }));
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const refused = await bus.publishBulk!("orders", entries, {});
  other.exec("ROLLBACK");
  other.close();
  expect(refused.map((error) => error?.message)).toEqual(
    entries.map(() => expect.stringMatching(/locked by another program/)),
  );
  expect(stored()).toEqual([]);
  expect(await bus.publishBulk!("orders", entries, {})).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(stored().sort()).toEqual(["a", "b", "c"]);
  const messages = await collect(bus);
  await waitFor("all", () => messages.length === 3);
});
