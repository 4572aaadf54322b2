/** Readers and writers of the embedded broker are killed (kill -9) and started again while messages flow to two groups. */
import { join } from "node:path";
import { startProcess } from "../contracts/start-process.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

const count = 10_000;
const kills = 10;

type Process = ReturnType<typeof startProcess>;
const all: Process[] = [];
afterEach(async () => {
  await Promise.all(all.map((one) => one.kill()));
});

test(`over ${count} messages and ${kills} kills, none is lost, each group gets all, and the order of each key is kept`, async () => {
  const path = join(tempFolder("pubsub-killed"), "embedded.db");
  const start = (
    role: "read" | "write",
    consumerID: string,
    prefix?: string,
  ) => {
    const child = startProcess(
      {
        type: "pubsub.sqlite",
        metadata: { path, consumerID },
        topic: "orders",
        role,
        ...(prefix === undefined ? {} : { prefix, callers: 16 }),
      },
      "pubsub-process.ts",
    );
    all.push(child);
    return child;
  };
  /** Each process that ever read for a group. */
  const readers: Record<string, Process[]> = {
    shared: [start("read", "shared"), start("read", "shared")],
    alone: [start("read", "alone")],
  };
  const running = ["shared", "shared", "alone"].map((group, n) => ({
    group,
    child: readers[group]![n % 2]!,
  }));
  const got = (group: string) =>
    new Set(readers[group]!.flatMap((reader) => reader.got()));
  await waitFor("the readers", () =>
    running.every(({ child }) => child.lines.includes("ready")),
  );

  const writers = [start("write", "writer", "w0")];
  const acked = () => writers.flatMap((writer) => writer.acked());
  for (let kill = 1; kill <= kills; kill++) {
    const enough = (kill * count) / (kills + 1);
    await waitFor(`${enough} messages at each group`, () =>
      Object.keys(readers).every((group) => got(group).size >= enough),
    );
    // In turn one of each group, and now and then the writer.
    const victim = running[kill % running.length]!;
    await victim.child.kill();
    victim.child = start("read", victim.group);
    readers[victim.group]!.push(victim.child);
    if (kill % 4 === 0) {
      await writers.at(-1)!.kill();
      writers.push(start("write", "writer", `w${writers.length}`));
    }
  }
  await waitFor(`${count} stored messages`, () => acked().length >= count);
  await writers.at(-1)!.stop();
  const stored = acked();
  for (const group of Object.keys(readers))
    await waitFor(`all of them at group ${group}`, () => {
      const there = got(group);
      return stored.every((message) => there.has(message));
    });

  // A writer that is killed may have stored what it did not tell; nothing else may come.
  const strange = [...got("shared"), ...got("alone")].filter(
    (message) => !/^w\d-\d+:\d+$/.test(message),
  );
  expect(strange).toEqual([]);
  for (const reader of Object.values(readers).flat()) expectInOrder(reader);
}, 900_000);

/** Of one process: a message may come again, but none before an earlier one of its key. */
function expectInOrder(reader: Process): void {
  const last = new Map<string, number>();
  const late: string[] = [];
  for (const message of new Set(reader.got())) {
    const [key = "", number] = message.split(":");
    if (Number(number) < (last.get(key) ?? -1)) late.push(message);
    last.set(key, Number(number));
  }
  expect(late).toEqual([]);
}
