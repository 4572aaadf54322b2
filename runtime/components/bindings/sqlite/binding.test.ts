import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker as Thread } from "node:worker_threads";
import type { Binding } from "../../../contracts/binding.ts";
import type { Logger } from "../../../shared/log.ts";
import { parseMetadata } from "../../../contracts/metadata.ts";
import { sqlite } from "./binding.ts";

let folder: string;
let lines: string[];
let opened: Binding[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sqlite-binding-"));
  lines = [];
  opened = [];
});
afterEach(async () => {
  for (const binding of opened) await binding.close();
  rmSync(folder, { recursive: true });
});

async function open(values: Record<string, string>): Promise<Binding> {
  const items = Object.entries({ path: join(folder, "log.db"), ...values }).map(
    ([name, value]) => ({ name, value }),
  );
  const note = (msg: string) => void lines.push(msg);
  const log = {
    warn: note,
    error: note,
    info: note,
    scope: () => log,
  } as unknown as Logger;
  const binding = await sqlite.open({
    name: "orders",
    appId: "shop",
    meta: parseMetadata(sqlite.metadata, items),
    items,
    log,
    env: {},
    directions: { input: true, output: true },
  });
  opened.push(binding);
  return binding;
}

const send = (binding: Binding, text: string) =>
  binding.invoke!({
    operation: "create",
    data: Buffer.from(text),
    metadata: {},
  });

/** Collects texts; `until` resolves once one of them is there. */
async function collect(binding: Binding) {
  const seen: string[] = [];
  let check = () => {};
  const stop = await binding.read!(async ({ data }) => {
    seen.push(Buffer.from(data).toString());
    check();
    return undefined;
  });
  const until = (text: string) =>
    new Promise<void>((resolve) => {
      check = () => seen.includes(text) && resolve();
      check();
    });
  return { seen, stop, until };
}

test.each([
  [{}, "missing 'topics' or 'publishTopic' attribute"],
  [
    { topics: "t", partitions: "0" },
    "metadata 'partitions': 0 is not 1 to 1024",
  ],
  [{ topics: "t", partitions: "1.5" }, "metadata 'partitions': 1.5"],
  [{ topics: "t", path: ":memory:" }, "metadata 'path': a file is needed"],
  [{ topics: "t", sessionTimeout: "1ms" }, "metadata 'sessionTimeout'"],
])("metadata %j is refused", async (values, error) => {
  await expect(open(values)).rejects.toThrow(error);
});

test.each([
  ["text/plain", '"a \\"b\\" <c>"', 'a "b" <c>'],
  ["application/json", '"a"', '"a"'],
  ["text/plain", "10.00", "10.00"],
])("%s: %s comes as %s", async (type, sent, came) => {
  const binding = await open({ topics: "t", publishTopic: "t" });
  await binding.invoke!({
    operation: "create",
    data: Buffer.from(sent),
    metadata: { "Content-Type": type },
  });
  const { stop, until } = await collect(binding);
  await until(came);
  await stop();
});

test("without publishTopic it cannot write, without topics it reads nothing and says so", async () => {
  const input = await open({ topics: "t" });
  await expect(send(input, "x")).rejects.toThrow(
    "missing 'publishTopic' attribute",
  );
  const output = await open({ publishTopic: "t" });
  await (
    await output.read!(async () => undefined)
  )();
  expect(lines).toEqual(["binding orders has no topics to read from"]);
});

test("apps without consumerGroup each get every message: the group is the app", async () => {
  const byName = await open({ topics: "t", publishTopic: "t" });
  const other = await open({ topics: "t", consumerGroup: "other" });
  await send(byName, "a");
  const readers = [await collect(byName), await collect(other)];
  await Promise.all(readers.map(({ until }) => until("a")));
  expect(readers.map(({ seen }) => seen)).toEqual([["a"], ["a"]]);
});

test("a topic that already has partitions keeps them, with a warning", async () => {
  await open({ publishTopic: "t", partitions: "2" });
  await open({ publishTopic: "t", partitions: "4" });
  expect(lines).toEqual(["topic t already has 2 partitions and keeps them"]);
});

test("a new group starts when its component opens, newest then means from here on", async () => {
  const binding = await open({ publishTopic: "t" });
  await send(binding, "before");
  const late = await open({ topics: "t", initialOffset: "newest" });
  await send(binding, "after");
  const { seen, until } = await collect(late);
  await until("after");
  expect(seen).toEqual(["after"]);
});

test("a message larger than all windows gets through", async () => {
  const binding = await open({
    topics: "t",
    publishTopic: "t",
    partitions: "1",
  });
  const huge = "x".repeat(9 << 20);
  await Promise.all([huge, huge, "end"].map((text) => send(binding, text)));
  const { seen, until } = await collect(binding);
  await until("end");
  expect(seen.map(({ length }) => length)).toEqual([9 << 20, 9 << 20, 3]);
});

test("the database thread dies: callers are told, the next message and the reader go on with a new one", async () => {
  const started: Thread[] = [];
  // The module itself: an import would be a copy to spy on.
  const threads = process.getBuiltinModule("node:worker_threads");
  const { Worker } = threads;
  const spy = jest.spyOn(threads, "Worker").mockImplementation((...args) => {
    const worker = new Worker(...args);
    started.push(worker);
    return worker;
  });
  const binding = await open({
    topics: "t",
    publishTopic: "t",
    partitions: "1",
  });
  const { seen, until } = await collect(binding);
  await send(binding, "a");
  await until("a");
  const ended = started[0]!.terminate();
  await expect(send(binding, "b")).rejects.toThrow(
    "the embedded broker's thread has ended",
  );
  await ended;
  await send(binding, "c");
  await until("c");
  expect(started).toHaveLength(2);
  expect(seen.filter((text) => text === "c")).toHaveLength(1);
  expect(lines).toContain(
    "embedded broker: the database thread has ended, starting another",
  );
  spy.mockRestore();
});
