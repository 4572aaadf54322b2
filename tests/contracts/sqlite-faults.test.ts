/** The embedded broker when processes are killed or stopped, and when files are full, locked or removed. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Binding } from "../../runtime/contracts/binding.ts";
import { waitFor } from "../wait-for.ts";
import type { ProcessTask } from "./binding-process.ts";
import { openBinding } from "./open-component.ts";
import { startProcess } from "./start-process.ts";

const type = "bindings.sqlite";
const topics = {
  topics: "orders",
  publishTopic: "orders",
  consumerGroup: "group1",
};
let folder: string;
let path: string;
let cleanups: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sqlite-faults-"));
  path = join(folder, "embedded.db");
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
  rmSync(folder, { recursive: true, force: true });
});

async function open(
  extra: Record<string, string> = {},
  log: string[] = [],
): Promise<Binding> {
  const binding = await openBinding(type, {
    metadata: { path, ...topics, ...extra },
    log,
  });
  cleanups.push(() => binding.close());
  return binding;
}

function start(task: Partial<ProcessTask>, extra: Record<string, string> = {}) {
  const child = startProcess({
    type,
    metadata: { path, ...topics, ...extra },
    role: "read",
    ...task,
  });
  cleanups.push(() => child.kill());
  return child;
}

const send = (
  binding: Binding,
  data: string,
  metadata: Record<string, string> = {},
) =>
  binding.invoke!({ operation: "create", data: Buffer.from(data), metadata });

async function collect(binding: Binding): Promise<string[]> {
  const seen: string[] = [];
  await binding.read!(async ({ data }) => {
    seen.push(Buffer.from(data).toString());
    return undefined;
  });
  return seen;
}

/** The values without their repeats. */
const once = <T>(all: T[]) => [...new Set(all)];

test("readers killed five times over 2,000 messages lose none and keep the order per key", async () => {
  const binding = await open();
  const dead: string[][] = [];
  const got = () => [
    ...dead.flat(),
    ...alive.flatMap((reader) => reader.got()),
  ];
  let alive = [start({}), start({})];
  await waitFor("both readers", () =>
    alive.every(({ lines }) => lines.includes("ready")),
  );
  const sending = (async () => {
    for (let n = 0; n < 2000; n++)
      await send(binding, `${n % 8}:${n}`, { partitionKey: `k${n % 8}` });
  })();
  for (let kill = 1; kill <= 5; kill++) {
    await waitFor(
      `${kill * 300} messages`,
      () => once(got()).length >= kill * 300,
    );
    const victim = alive.shift()!;
    await victim.kill();
    dead.push(victim.got());
    alive.push(start({}));
  }
  await sending;
  await waitFor("2,000 messages", () => once(got()).length === 2000, 20_000);
  for (const sequence of [...dead, ...alive.map((reader) => reader.got())])
    for (let key = 0; key < 8; key++) {
      const numbers = sequence
        .filter((text) => text.startsWith(`${key}:`))
        .map((text) => Number(text.split(":")[1]));
      expect(numbers).toEqual(once(numbers).sort((one, other) => one - other));
    }
  // Each kill may repeat what was read ahead since the last commit, 100 ms before.
  expect(got().length - 2000).toBeLessThan(5 * 500);
});

test("after a writer is killed, every acknowledged message is there, complete and in order", async () => {
  const acked: string[] = [];
  for (const prefix of ["a", "b", "c"]) {
    const writer = start({ role: "write", prefix, callers: 16 });
    await waitFor("300 acknowledgements", () => writer.acked().length >= 300);
    await writer.kill();
    acked.push(...writer.acked());
  }
  const binding = await open();
  const seen = await collect(binding);
  await waitFor("all acknowledged messages", () => {
    const there = new Set(seen);
    return acked.every((text) => there.has(text));
  });
  expect(seen).toHaveLength(once(seen).length);
  expect(seen.filter((text) => !/^[abc]-\d+$/.test(text))).toEqual([]);
});

test("four processes can create the file at the same moment", async () => {
  const writers = ["a", "b", "c", "d"].map((prefix) =>
    start({ role: "write", prefix, callers: 2 }),
  );
  await waitFor("twenty acknowledgements from each", () =>
    writers.every((writer) => writer.acked().length >= 20),
  );
  expect(await Promise.all(writers.map((writer) => writer.stop()))).toEqual([
    0, 0, 0, 0,
  ]);
  const acked = writers.flatMap((writer) => writer.acked());
  const seen = await collect(await open());
  await waitFor("all of them", () => seen.length >= acked.length);
  expect(seen.sort()).toEqual(acked.sort());
});

test("a stopped process that continues after its lease has ended drops what it had read ahead", async () => {
  const short = { sessionTimeout: "600ms", partitions: "1" };
  const stalled = start({ delayMs: 50 }, short);
  const binding = await open(short);
  await waitFor("the reader", () => stalled.lines.includes("ready"));
  const all = Array.from({ length: 40 }, (_, n) => `n${n}`);
  await Promise.all(all.map((text) => send(binding, text)));
  await waitFor("three messages", () => stalled.got().length >= 3);
  process.kill(stalled.pid, "SIGSTOP");
  const seen = await collect(binding);
  await waitFor("the rest at the other reader", () => seen.includes("n39"));
  const before = stalled.got();
  process.kill(stalled.pid, "SIGCONT");
  await send(binding, "last");
  await waitFor("the last message", () =>
    [...seen, ...stalled.got()].includes("last"),
  );
  expect(stalled.got().filter((text) => text !== "last")).toEqual(before);
  expect(once([...before, ...seen])).toEqual(expect.arrayContaining(all));
  const rest = seen.filter((text) => text !== "last");
  expect(rest).toEqual(all.slice(-rest.length));
});

test("while readers come and go, no message is lost or comes twice, and the order is kept", async () => {
  const binding = await open({ partitions: "4" });
  const readers = [start({})];
  let next = 0;
  const sendSome = async (count: number) => {
    for (const end = next + count; next < end; next++)
      await send(binding, `${next}`, { partitionKey: `k${next % 10}` });
  };
  await waitFor("the first reader", () => readers[0]!.lines.includes("ready"));
  for (let round = 0; round < 3; round++) {
    await sendSome(100);
    const joining = start({});
    readers.push(joining);
    await waitFor("the new reader to get its share", async () => {
      await sendSome(1);
      return joining.got().length > 0;
    });
    await sendSome(100);
    expect(await readers[round]!.stop()).toBe(0);
  }
  const got = () => readers.flatMap((reader) => reader.got());
  await waitFor("all messages", () => once(got()).length === next);
  expect(got()).toHaveLength(next);
});

test("a full file refuses messages with an error that names it, and takes more once some are read", async () => {
  const binding = await open({ maxSize: "300k", partitions: "1" });
  const body = "x".repeat(4000);
  let stored = 0;
  const filling = async () => {
    for (;;) {
      await send(binding, `${stored}:${body}`);
      stored++;
    }
  };
  await expect(filling()).rejects.toThrow(/embedded\.db is full: .*maxSize/);
  expect(stored).toBeGreaterThan(20);
  const seen = await collect(binding);
  await waitFor("everything stored", () => seen.length === stored);
  await waitFor("room for another message", () =>
    send(binding, `${stored}:${body}`).then(
      () => true,
      () => false,
    ),
  );
  await waitFor("that message", () => seen.length === stored + 1);
  expect(seen).toEqual(seen.map((_, n) => `${n}:${body}`));
});

test("when reading cannot begin, the log says so, and it begins as soon as it can", async () => {
  const log: string[] = [];
  const binding = await open({}, log);
  await send(binding, "a");
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const seen = await collect(binding);
  expect(log.join()).toMatch(
    /cannot read yet, trying again every 1000 ms: .*locked by another program/,
  );
  other.exec("ROLLBACK");
  other.close();
  await waitFor("the message", () => seen.includes("a"));
});

test("a file that is no database is an error that names it, and is left alone", async () => {
  writeFileSync(path, "precious notes\n".repeat(500));
  await expect(open()).rejects.toThrow(
    /embedded\.db is not a SQLite database; name another path/,
  );
  expect(readdirSync(folder)).toEqual(["embedded.db"]);
});

test("after a file is deleted while in use, one message is refused and the next goes to a new file", async () => {
  const log: string[] = [];
  const binding = await open({ partitions: "1" }, log);
  const seen = await collect(binding);
  await send(binding, "a");
  await waitFor("the first message", () => seen.length === 1);
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  await expect(send(binding, "b")).rejects.toThrow(
    /deleted or replaced while in use/,
  );
  await send(binding, "c");
  await waitFor("the message in the new file", () => seen.includes("c"));
});

test("a file that another program locks is a clear error after five seconds, and later works as before", async () => {
  const binding = await open();
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await expect(send(binding, "a")).rejects.toThrow(/locked by another program/);
  other.exec("ROLLBACK");
  other.close();
  const seen = await collect(binding);
  await send(binding, "b");
  await waitFor("the message", () => seen.includes("b"));
  expect(seen).toEqual(["b"]);
});

test("after the last one is closed, only the database is left", async () => {
  const reader = start({});
  const binding = await open();
  await waitFor("the reader", () => reader.lines.includes("ready"));
  await send(binding, "a");
  await waitFor("the message", () => reader.got().length === 1);
  await binding.close();
  expect(await reader.stop()).toBe(0);
  expect(readdirSync(folder)).toEqual(["embedded.db"]);
  const database = new DatabaseSync(path);
  expect(
    database.prepare("SELECT count(*) AS n FROM log_member").get(),
  ).toEqual({ n: 0 });
  expect(
    database.prepare("SELECT sum(committed) AS n FROM log_share").get(),
  ).toEqual({ n: 1 });
  database.close();
});
