/** state.sqlite when two sidecars share a file, another program locks it, or it cannot be used. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { mountSmallDisk, smallDiskProblem } from "../support/small-disk.ts";
import { items, statePath, stateStore } from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

let file: string;
beforeEach(() => {
  file = join(tempFolder("state-shared"), "state.db");
});
const opened = new Set<DatabaseSync>();
afterEach(async () => {
  for (const one of opened) one.close();
  opened.clear();
  await stopAll();
});

const start = (
  more: Record<string, string> = {},
  until: "outbound" | "nothing" = "outbound",
): Promise<Daprd> =>
  startDaprd({
    appId: "orders",
    until,
    resources: {
      "s.yaml": stateStore("state.sqlite", { connectionString: file, ...more }),
    },
  });
const save = (sidecar: Daprd, key: string, value: unknown, more = {}) =>
  sidecar.call("POST", statePath, { body: items({ key, value, ...more }) });
const read = (sidecar: Daprd, key: string) =>
  sidecar.call("GET", `${statePath}/${key}`);
const bulk = async (sidecar: Daprd, keys: string[]) => {
  const body = JSON.stringify({ keys });
  const reply = await sidecar.call("POST", `${statePath}/bulk`, { body });
  expect(reply.status).toBe(200);
  return reply.json() as { data?: unknown; error?: string }[];
};
const transact = (sidecar: Daprd, keys: string[], value: unknown) =>
  sidecar.call("POST", `${statePath}/transaction`, {
    body: JSON.stringify({
      operations: keys.map((key) => ({
        operation: "upsert",
        request: { key, value },
      })),
    }),
  });

/** Starts another program's transaction. Returns the function that ends it. */
function hold(): () => void {
  const database = new DatabaseSync(file, { timeout: 5000 });
  opened.add(database);
  database.exec("BEGIN IMMEDIATE");
  return () => database.exec("ROLLBACK");
}

test("while another program locks the file, saves wait and reads do not", async () => {
  const sidecar = await start({ busyTimeout: "10s" });
  expect((await save(sidecar, "r", 0)).status).toBe(204);
  const release = hold();
  let answered = 0;
  const saves = Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      save(sidecar, `w${i}`, i).finally(() => answered++),
    ),
  );
  for (let n = 0; n < 50; n++) {
    expect((await read(sidecar, "r")).json()).toBe(0);
    expect(await bulk(sidecar, ["w0", "r"])).toEqual([
      { key: "w0" },
      expect.objectContaining({ key: "r", data: 0 }),
    ]);
  }
  expect(answered).toBe(0);
  release();
  for (const { status } of await saves) expect(status).toBe(204);
  const keys = Array.from({ length: 8 }, (_, i) => `w${i}`);
  expect((await bulk(sidecar, keys)).map(({ data }) => data)).toEqual([
    0, 1, 2, 3, 4, 5, 6, 7,
  ]);
});

test("a save that was refused because of a lock is not stored later, whatever the timeouts", async () => {
  const sidecar = await start({ timeout: "1s", busyTimeout: "20s" });
  const other = await start();
  expect((await save(other, "late", "first")).status).toBe(204);
  const release = hold();
  const replies = await Promise.all(
    Array.from({ length: 8 }, (_, i) => save(sidecar, "late", i)),
  );
  for (const { status, text } of replies) {
    expect(status).toBe(500);
    expect(text).toContain("locked by another program");
  }
  release();
  expect((await save(other, "late", "newer")).status).toBe(204);
  expect((await save(sidecar, "next", 1)).status).toBe(204);
  expect((await read(other, "late")).json()).toBe("newer");
});

test("a bulk get reads one moment's values, also between two sidecars, and counting by etag loses nothing", async () => {
  const [one, two] = await Promise.all([start(), start()]);
  const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
  expect((await transact(one, keys, 0)).status).toBe(204);
  expect((await save(one, "count", 0)).status).toBe(204);
  let isOver = false;
  const writing = (async () => {
    for (let n = 1; n <= 200; n++)
      expect((await transact(one, keys, n)).status).toBe(204);
    isOver = true;
  })();
  let torn = 0;
  let reads = 0;
  const reading = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const found = (await bulk(two, keys)).map(({ data }) => data);
      if (new Set(found).size > 1) torn++;
      reads++;
    }
  });
  const counting = Array.from({ length: 8 }, async (_, i) => {
    const sidecar = i % 2 ? one : two;
    for (let done = 0; done < 20;) {
      const found = await read(sidecar, "count");
      const etag = String(found.headers["etag"]).replaceAll('"', "");
      const next = (found.json() as number) + 1;
      const { status } = await save(sidecar, "count", next, { etag });
      expect([204, 409]).toContain(status);
      if (status === 204) done++;
    }
  });
  await Promise.all([writing, ...reading, ...counting]);
  expect({ torn, hasRead: reads > 20 }).toEqual({ torn: 0, hasRead: true });
  expect((await read(one, "count")).json()).toBe(160);
});

test("?mode=ro opens what another sidecar writes", async () => {
  const writer = await start();
  expect((await save(writer, "a", 1)).status).toBe(204);
  for (const connectionString of [`file:${file}?mode=ro`, `${file}?mode=ro`]) {
    const reader = await start({ connectionString });
    expect((await read(reader, "a")).json()).toBe(1);
    expect((await save(writer, "a", 2)).status).toBe(204);
    expect((await read(reader, "a")).json()).toBe(2);
    const refused = await save(reader, "a", 3);
    expect(refused.status).toBe(500);
    expect(refused.text).toContain("not writable");
    expect((await save(writer, "a", 1)).status).toBe(204);
    await reader.stop();
  }
});

test("another program's table ends the start with an error that names it", async () => {
  const database = new DatabaseSync(file);
  database.exec("CREATE TABLE state (id INTEGER PRIMARY KEY, key TEXT)");
  database.close();
  const sidecar = await start({}, "nothing");
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.output()).toMatch(
    /state\.db: table state is there and is none of state\.sqlite: it lacks value, is_binary.*tableName/,
  );
});

test.each([
  "postgres://bob:canary-4711@db/orders",
  "Data Source=orders.db;Password=canary-4711",
  "file:orders.db?_pragma=key('canary-4711')",
  "file://bob:canary-4711@db/orders",
])("%s is refused as a path, and not revealed", async (connectionString) => {
  const sidecar = await start({ connectionString }, "nothing");
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.output()).not.toContain("canary");
});

const problem = smallDiskProblem();
(problem ? test.skip : test)(
  `?mode=ro opens a file on a read-only disk, and sees what is written there later${problem ? ` (skipped: ${problem})` : ""}`,
  async () => {
    const disk = mountSmallDisk(16);
    const remount = (how: "ro" | "rw") =>
      execFileSync("mount", ["-o", `remount,${how}`, disk.folder]);
    try {
      file = join(disk.folder, "state #1?.db");
      const write = async (value: number) => {
        const writer = await start({
          connectionString: `file:${encodeURIComponent(file)}`,
        });
        expect((await save(writer, "a", value)).status).toBe(204);
        await writer.stop();
      };
      await write(1);
      remount("ro");
      const reader = await start({
        connectionString: `file:${encodeURIComponent(file)}?mode=ro`,
      });
      expect((await read(reader, "a")).json()).toBe(1);
      expect((await save(reader, "a", 2)).status).toBe(500);
      remount("rw");
      await write(2);
      expect((await read(reader, "a")).json()).toBe(2);
    } finally {
      await stopAll();
      disk.remove();
    }
  },
);

(problem ? test.skip : test)(
  `on a full disk deletes pass, or the answer says why not${problem ? ` (skipped: ${problem})` : ""}`,
  async () => {
    const disk = mountSmallDisk(16);
    try {
      file = join(disk.folder, "state.db");
      const sidecar = await start();
      const padding = "x".repeat(100_000);
      for (let i = 0; i < 30; i++)
        expect((await save(sidecar, `k${i}`, padding)).status).toBe(204);
      disk.fill();
      let refused = "";
      for (let i = 30; i < 200 && !refused; i++) {
        const { status, text } = await save(sidecar, `k${i}`, padding);
        if (status !== 204) refused = text;
      }
      expect(refused).toContain("is full: no space left on the disk");
      const erase = await sidecar.call("DELETE", `${statePath}/k0`);
      if (erase.status !== 204)
        expect(erase.text).toContain("a delete takes a little room too");
      expect((await read(sidecar, "k1")).json()).toBe(padding);
      disk.free();
      await waitFor("a delete", async () => {
        const { status } = await sidecar.call("DELETE", `${statePath}/k1`);
        return status === 204;
      });
      expect((await read(sidecar, "k1")).status).toBe(204);
    } finally {
      await stopAll();
      disk.remove();
    }
  },
);
