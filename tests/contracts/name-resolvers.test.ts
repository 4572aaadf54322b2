import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LocalRegistry } from "../../runtime/components/clients/local-registry.ts";
import { thisProcess } from "../../runtime/components/clients/sqlite/live-process.ts";
import { waitFor } from "../wait-for.ts";
import { openResolver, resolverContract } from "./name-resolver-contract.ts";

const folder = mkdtempSync(join(tmpdir(), "dapr-names-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const registry = join(folder, "sidecars");
const local = { component: "local", env: { DAPR_REGISTRY_PATH: registry } };
const database = join(folder, "names.db");
const sqlite = {
  component: "sqlite",
  configuration: { connectionString: database },
};

resolverContract("the local registry", () => local);
resolverContract("SQLite", () => sqlite);

describe("the local registry", () => {
  const entry = {
    appId: "killed",
    namespace: "default",
    host: "127.0.0.1",
    port: 47_310,
  };

  test("a sidecar that was killed is not found, and its file is removed", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"]);
    const { pid } = child;
    const asker = await openResolver(local);
    await (
      await openResolver(local)
    ).register!({ ...entry, appId: "other" });
    const file = join(registry, `default+killed+${pid}-47310.json`);
    writeFileSync(
      file,
      JSON.stringify({ ...entry, ...thisProcess(), pid, started: "" }),
    );
    expect(await asker.resolve("killed", "default")).toMatchObject({
      port: 47_310,
    });
    child.kill("SIGKILL");
    await once(child, "exit");
    await waitFor("it to be gone", async () => {
      const peer = await asker.resolve("killed", "default");
      return peer === undefined;
    });
    expect(readdirSync(registry)).not.toContain(
      `default+killed+${pid}-47310.json`,
    );
    await asker.close();
  });

  test("files of killed sidecars are removed when the next one starts", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    const name = `default+never-asked-for+${child.pid}-47312.json`;
    writeFileSync(
      join(registry, name),
      JSON.stringify({ ...entry, ...thisProcess(), pid: child.pid }),
    );
    const next = await openResolver(local);
    await next.register!({ ...entry, appId: "next" });
    expect(readdirSync(registry)).not.toContain(name);
    await next.close();
  });

  test("another process with a dead sidecar's process ID is not found", async () => {
    const file = join(registry, `default+reused+${process.pid}-47311.json`);
    writeFileSync(
      file,
      JSON.stringify({
        ...entry,
        appId: "reused",
        ...thisProcess(),
        started: "1",
      }),
    );
    const asker = await openResolver(local);
    const peer = await asker.resolve("reused", "default");
    // Where the system does not say when a process started, only its ID is compared.
    expect(peer === undefined).toBe(thisProcess().started !== "");
    await asker.close();
  });

  test("namespaces, and names with odd characters, are kept apart", async () => {
    const one = await openResolver(local);
    await one.register!({ ...entry, appId: "a+b", namespace: "../x" });
    const asker = await openResolver(local);
    expect(await asker.resolve("a+b", "../x")).toMatchObject({ port: 47_310 });
    expect(await asker.resolve("a+b", "default")).toBeUndefined();
    expect(await asker.resolve("a", "../x")).toBeUndefined();
    await one.close();
    await asker.close();
  });

  test("calls to an app that does not run read the folder once, not each time", async () => {
    const inside = mkdtempSync(join(folder, "looked-at-"));
    const asker = await openResolver({
      component: "local",
      configuration: { path: inside },
    });
    const looks = jest.spyOn(LocalRegistry.prototype, "find");
    for (let i = 0; i < 100; i++)
      expect(await asker.resolve("away", "default")).toBeUndefined();
    expect(looks.mock.calls.length).toBeLessThan(20);
    looks.mockRestore();
    const one = await openResolver({
      component: "local",
      configuration: { path: inside },
    });
    await one.register!({ ...entry, appId: "away" });
    await waitFor("it to be found", () => asker.resolve("away", "default"));
    await one.close();
    await asker.close();
  });

  test("a file that is no registration is ignored", async () => {
    writeFileSync(join(registry, "default+broken+1-1.json"), "{");
    const asker = await openResolver(local);
    expect(await asker.resolve("broken", "default")).toBeUndefined();
    await asker.close();
  });

  const unlessRoot = process.getuid?.() === 0 ? test.skip : test;
  unlessRoot("a folder that is not writable is a warning", async () => {
    const locked = mkdtempSync(join(folder, "locked-"));
    chmodSync(locked, 0o500);
    const lines: string[] = [];
    const resolver = await openResolver(
      { component: "local", configuration: { path: join(locked, "x") } },
      lines,
    );
    await resolver.register!(entry);
    expect(lines.join()).toContain("can't find this one");
    expect(await resolver.resolve("killed", "default")).toBeUndefined();
    await resolver.close();
  });

  test("a folder that cannot exist is a warning", async () => {
    const file = join(folder, "a-file");
    writeFileSync(file, "");
    const lines: string[] = [];
    const resolver = await openResolver(
      { component: "local", configuration: { path: join(file, "x") } },
      lines,
    );
    await resolver.register!(entry);
    expect(lines.join()).toContain("DAPR_REGISTRY_PATH");
    await resolver.close();
  });
});

describe("SQLite", () => {
  test("the original's table is used: rows that it wrote are found, and old ones are not", async () => {
    const asker = await openResolver(sqlite);
    const db = new DatabaseSync(database);
    const add = db.prepare(
      "INSERT INTO hosts (registration_id, address, app_id, namespace, last_update) VALUES (?, ?, ?, '', unixepoch(CURRENT_TIMESTAMP) - ?)",
    );
    add.run("1", "192.0.2.2:50002", "theirs", 0);
    add.run("2", "[2001:db8::1]:50002", "sixth", 0);
    add.run("3", "192.0.2.3:50002", "old", 60);
    expect(await asker.resolve("theirs", "default")).toEqual({
      host: "192.0.2.2",
      port: 50_002,
    });
    expect(await asker.resolve("sixth", "default")).toEqual({
      host: "2001:db8::1",
      port: 50_002,
    });
    expect(await asker.resolve("old", "default")).toBeUndefined();
    // A row without a namespace counts as ours, so it is not found in another namespace.
    expect(await asker.resolve("theirs", "shop")).toBeUndefined();
    expect(
      db
        .prepare("SELECT value FROM metadata WHERE key = 'nr-migrations'")
        .get(),
    ).toEqual({ value: "1" });
    db.close();
    await asker.close();
  });

  test("a sidecar writes its row as the original does, and renews it", async () => {
    const path = join(folder, "renewed.db");
    const resolver = await openResolver({
      component: "sqlite",
      configuration: { connectionString: path, updateInterval: "2s" },
    });
    await resolver.register!({
      appId: "self",
      namespace: "default",
      host: "::1",
      port: 47_320,
    });
    const db = new DatabaseSync(path);
    const row = () =>
      db
        .prepare("SELECT address, app_id, namespace, last_update FROM hosts")
        .get()!;
    expect(row()).toMatchObject({
      address: "[::1]:47320",
      app_id: "self",
      namespace: "default",
    });
    db.exec("UPDATE hosts SET last_update = 0");
    await waitFor(
      "the row to be renewed",
      () => Number(row()["last_update"]) > 0,
    );
    await resolver.close();
    expect(db.prepare("SELECT count(*) AS n FROM hosts").get()).toEqual({
      n: 0,
    });
    db.close();
  });

  test.each(["removed", "replaced"])(
    "a file that is %s is opened again, with an error in the log",
    async (how) => {
      const inside = mkdtempSync(join(folder, "gone-"));
      const path = join(inside, "names.db");
      const lines: string[] = [];
      const configuration = { connectionString: path, updateInterval: "2s" };
      const open = () =>
        openResolver({ component: "sqlite", configuration }, lines);
      const [asker, self] = [await open(), await open()];
      const registration = { appId: "self", namespace: "default", host: "::1" };
      await self.register!({ ...registration, port: 47_322 });
      expect(await asker.resolve("self", "default")).toBeDefined();
      rmSync(inside, { recursive: true });
      if (how === "replaced") {
        mkdirSync(inside);
        new DatabaseSync(path).close();
      }
      await waitFor("the row in the new file", () => {
        if (!existsSync(path)) return false;
        const db = new DatabaseSync(path);
        try {
          return db.prepare("SELECT * FROM hosts").all().length === 1;
        } catch {
          return false; // it has no tables yet
        } finally {
          db.close();
        }
      });
      await waitFor("it to be found there", () =>
        asker.resolve("self", "default"),
      );
      const told = lines.filter((line) =>
        line.includes(`the SQLite file ${path} was removed or replaced`),
      );
      expect(told).toHaveLength(2); // one for each resolver
      await self.close();
      await asker.close();
    },
  );

  test("a file that cannot be created again is an error that names it, and is created as soon as possible", async () => {
    const inside = mkdtempSync(join(folder, "gone-"));
    const path = join(inside, "names.db");
    const asker = await openResolver({
      component: "sqlite",
      configuration: { connectionString: path },
    });
    rmSync(inside, { recursive: true });
    writeFileSync(inside, "no folder");
    for (let i = 0; i < 2; i++)
      await expect(asker.resolve("x", "default")).rejects.toThrow(path);
    rmSync(inside);
    expect(await asker.resolve("x", "default")).toBeUndefined();
    await asker.close();
  });

  test("only rows that nobody renews are deleted", async () => {
    const path = join(folder, "swept.db");
    const resolver = await openResolver({
      component: "sqlite",
      configuration: { connectionString: path, cleanupInterval: "200ms" },
    });
    await resolver.register!({
      appId: "self",
      namespace: "default",
      host: "127.0.0.1",
      port: 47_321,
    });
    const db = new DatabaseSync(path);
    db.exec(
      "INSERT INTO hosts VALUES ('x', '192.0.2.4:1', 'gone', '', unixepoch(CURRENT_TIMESTAMP) - 60)",
    );
    const rows = db.prepare("SELECT app_id FROM hosts");
    await waitFor("the old row to go", () => rows.all().length === 1);
    expect(rows.all()).toEqual([{ app_id: "self" }]);
    db.close();
    await resolver.close();
  });

  test.each([
    [{}, "missing connection string"],
    [{ connectionString: "x.db", updateInterval: "1500ms" }, "fractions"],
    [{ connectionString: "x.db", updateInterval: "1s" }, "at least 1s greater"],
    [{ connectionString: "x.db", tableName: "a b" }, "invalid identifier"],
  ])("%j is refused", async (configuration, message) => {
    await expect(
      openResolver({ component: "sqlite", configuration }),
    ).rejects.toThrow(message);
  });
});

describe("nameformat", () => {
  test("the app's ID replaces its placeholder", async () => {
    const resolver = await openResolver({
      component: "nameformat",
      configuration: { format: "{appid}-dapr.internal:50002" },
    });
    expect(await resolver.resolve("orders", "default")).toEqual({
      host: "orders-dapr.internal",
      port: 50_002,
    });
    // The format has no placeholder for the namespace: the wrong app would be called.
    expect(await resolver.resolve("orders", "shop")).toBeUndefined();
  });

  test.each(["10。0。0。1", "a/b", "a@b", "a:1", "a\0b", "ａ", ""])(
    "the ID %j is refused, since it cannot be part of a host name",
    async (id) => {
      const resolver = await openResolver({
        component: "nameformat",
        configuration: { format: "{appid}:50002" },
      });
      await expect(resolver.resolve(id, "default")).rejects.toThrow(
        "can't be part of a host's name",
      );
    },
  );

  test.each([
    [{}, "format"],
    [{ format: "fixed:1" }, "{appid}"],
    [{ format: "{appid}:99999" }, "not an address"],
  ])("%j is refused", async (configuration, message) => {
    await expect(
      openResolver({ component: "nameformat", configuration }),
    ).rejects.toThrow(message);
  });
});
