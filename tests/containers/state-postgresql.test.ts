/** state.postgresql v1 and v2 on a real server: the contract of every state store, and what only PostgreSQL has. */
import { stateStores } from "../../runtime/components/index.ts";
import { Digits } from "../../runtime/shared/json/go-json.ts";
import type { StateQuery } from "../../runtime/contracts/state-store.ts";
import { stateContract } from "../contracts/state-contract.ts";
import { openBuiltIn } from "../contracts/open-component.ts";
import type { StateSetup } from "../contracts/state-harness.ts";
import {
  startPostgres,
  type PostgresContainer,
} from "../support/postgres-server.ts";
import { waitFor } from "../wait-for.ts";

let postgres: PostgresContainer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());

let tables = 0;

for (const version of ["v1", "v2"])
  stateContract(
    "state.postgresql",
    async (): Promise<StateSetup> => {
      const prefix = `t${++tables}_`;
      return {
        metadata: {
          connectionString: postgres.url(),
          metadataTableName: `${prefix}metadata`,
          ...(version === "v1"
            ? { tableName: `${prefix}state` }
            : { tablePrefix: prefix }),
        },
        bad: [
          {
            metadata: { connectionString: "" },
            error: "missing connection string",
          },
          {
            metadata: { password: "wrong" },
            error: /password authentication failed.*correct user and password/,
          },
          {
            metadata: { database: "nowhere" },
            error: /"nowhere" does not exist; create it/,
          },
          { metadata: { timeout: "100ms" }, error: /'timeout'/ },
          { metadata: { queryExecMode: "x" }, error: /queryExecMode/ },
          {
            metadata: { metadataTableName: "a; DROP TABLE b" },
            error: /makes no name of a table/,
          },
        ],
        async dispose() {
          await postgres.query(
            `DROP TABLE IF EXISTS ${prefix}state, ${prefix}metadata`,
          );
        },
      };
    },
    {
      version,
      etagOnMissing: "mismatch",
      deleteEtagOnMissing: "mismatch",
      foreignEtag: "invalid",
      maxKeyBytes: 2700,
      firstWriteOnExisting: "mismatch",
      lastWriteIgnoresEtag: false,
      setEndsTtl: true,
      tellsExpiry: true,
      rollsBack: true,
      persists: true,
    },
  );

const open = (
  version: "v1" | "v2",
  metadata: Record<string, string> = {},
  type = "state.postgresql",
) =>
  openBuiltIn(stateStores, type, {
    version,
    metadata: { connectionString: postgres.url(), ...metadata },
  });
const entry = (key: string) => ({ key, metadata: {} });

describe("state.postgresql", () => {
  test("v1 reads what the original wrote, in tables that the original made", async () => {
    await postgres.query(
      "CREATE TABLE theirs (key text NOT NULL PRIMARY KEY, value jsonb NOT NULL, isbinary boolean NOT NULL, insertdate timestamptz NOT NULL DEFAULT now(), updatedate timestamptz NULL, expiredate timestamptz)",
    );
    await postgres.query(
      "CREATE TABLE theirs_metadata (key text NOT NULL PRIMARY KEY, value text NOT NULL)",
    );
    await postgres.query(
      "INSERT INTO theirs_metadata VALUES ('migrations', '2'), ('lock', 'lock')",
    );
    await postgres.query(
      `INSERT INTO theirs (key, value, isbinary) VALUES ('app||json', '{"n":1}', false), ('app||bytes', '"AAH/"', true)`,
    );
    const metadata = {
      tableName: "theirs",
      metadataTableName: "theirs_metadata",
    };
    const store = await open("v1", metadata, "state.postgres");
    const json = await store.get(entry("app||json"));
    expect(JSON.parse(String(json?.data))).toEqual({ n: 1 });
    expect((await store.get(entry("app||bytes")))?.data).toEqual(
      Buffer.from([0, 1, 255]),
    );
    await store.set({
      key: "app||json",
      value: "2",
      metadata: {},
      etag: json!.etag!,
    });
    await store.set({
      key: "app||raw",
      value: Buffer.from([0, 1, 255]),
      metadata: {},
    });
    await store.close();
    expect(
      await postgres.query(
        "SELECT key, value::text, isbinary, xmin::text ~ '^[0-9]+$' FROM theirs ORDER BY key",
      ),
    ).toEqual([
      ["app||bytes", '"AAH/"', true, true],
      ["app||json", "2", false, true],
      ["app||raw", '"AAH/"', true, true],
    ]);
  });

  test("v2 creates the original's tables and metadata", async () => {
    const store = await open("v2", { tablePrefix: "mine_" });
    await store.set({ key: "app||a", value: '{"n":1}', metadata: {} });
    await store.close();
    expect(
      await postgres.query(
        "SELECT convert_from(value, 'UTF8'), expires_at FROM mine_state",
      ),
    ).toEqual([['{"n":1}', null]]);
    expect(
      await postgres.query(
        "SELECT value FROM dapr_metadata WHERE key = 'migrations-state-v2-mine_'",
      ),
    ).toEqual([["1"]]);
  });

  test("stores that start at the same time create the tables once", async () => {
    const metadata = {
      tablePrefix: "race_",
      metadataTableName: "race_metadata",
    };
    const stores = await Promise.all(
      Array.from({ length: 8 }, () => open("v2", metadata)),
    );
    for (const [i, store] of stores.entries())
      await store.set({ key: `app||${i}`, value: `${i}`, metadata: {} });
    for (const store of stores) await store.close();
    expect(
      await postgres.query("SELECT count(*)::int FROM race_state"),
    ).toEqual([[8]]);
  });

  test("v1 creates a second table beside the first, and keeps a higher migration level", async () => {
    const metadataTableName = "shared_metadata";
    for (const tableName of ["shared_1", "shared_2", "shared_1"]) {
      const store = await open("v1", { tableName, metadataTableName });
      const key = `in-${tableName}`;
      await store.set({ key, value: "1", metadata: {} });
      await store.close();
      expect(
        await postgres.query(`SELECT key FROM ${tableName} ORDER BY key`),
      ).toEqual([[key]]);
      await postgres.query(
        "UPDATE shared_metadata SET value = '7' WHERE key = 'migrations'",
      );
    }
    expect(
      await postgres.query(
        "SELECT value FROM shared_metadata WHERE key = 'migrations'",
      ),
    ).toEqual([["7"]]);
  });

  test("v1 deletes expired rows of each of two tables with shared metadata", async () => {
    const tables = ["swept_1", "swept_2"];
    const open2 = tables.map((tableName) =>
      open("v1", {
        tableName,
        metadataTableName: "swept_metadata",
        cleanupInterval: "1s",
      }),
    );
    const stores = await Promise.all(open2);
    for (const store of stores)
      await store.set({
        key: "mortal",
        value: "1",
        metadata: { ttlInSeconds: "1" },
      });
    await waitFor("both sweeps", async () => {
      const left = tables.map((table) =>
        postgres.query(`SELECT key FROM ${table}`),
      );
      return (await Promise.all(left)).flat().length === 0;
    });
    for (const store of stores) await store.close();
  });

  test.each(["v1", "v2"] as const)(
    "%s deletes expired rows",
    async (version) => {
      const metadata = {
        cleanupInterval: "300ms",
        metadataTableName: `sweep_${version}`,
        ...(version === "v1"
          ? { tableName: "sweep_v1_state" }
          : { tablePrefix: "sweep_v2_" }),
      };
      const [one, two] = [
        await open(version, metadata),
        await open(version, metadata),
      ];
      await one.set({
        key: "mortal",
        value: "1",
        metadata: { ttlInSeconds: "1" },
      });
      await one.set({ key: "lasting", value: "1", metadata: {} });
      await waitFor("the sweep", async () => {
        const left = await postgres.query(
          `SELECT key FROM sweep_${version}_state`,
        );
        return left.length === 1 && left[0]![0] === "lasting";
      });
      await one.close();
      await two.close();
    },
  );

  test("the connection string may be key=value pairs, with another schema and without prepared statements", async () => {
    await postgres.query("CREATE SCHEMA IF NOT EXISTS orders");
    const store = await open("v2", {
      connectionString: `host=127.0.0.1 port=${postgres.port} user=postgres password='nonsense' dbname=postgres sslmode=disable search_path=orders application_name='the kit'`,
      password: postgres.url().split(/[:@]/)[2]!,
      queryExecMode: "exec",
    });
    await store.set({ key: "a", value: "1", metadata: {} });
    expect(
      await postgres.query(
        "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'the kit'",
      ),
    ).toEqual([[1]]);
    await store.close();
    expect(await postgres.query("SELECT key FROM orders.state")).toEqual([
      ["a"],
    ]);
  });

  test("a server without TLS is refused where the connection string requires it", async () => {
    await expect(
      open("v2", { connectionString: `${postgres.url()}?sslmode=require` }),
    ).rejects.toThrow(/sslmode=disable.*does not support SSL/);
  });

  test("v1 answers queries", async () => {
    const store = await open("v1", { tableName: "query_state" });
    const people = [
      [
        "1",
        { person: { org: "Dev Ops", id: 1036 }, city: "Seattle", state: "WA" },
      ],
      [
        "2",
        {
          person: { org: "Hardware", id: 1028 },
          city: "Portland",
          state: "OR",
        },
      ],
      [
        "3",
        { person: { org: "Finance", id: 99 }, city: "New York", state: "NY" },
      ],
      [
        "4",
        { person: { org: "Dev Ops", id: 1042 }, city: "Spo'kane", state: "WA" },
      ],
    ] as const;
    for (const [key, value] of people)
      await store.set({ key, value: JSON.stringify(value), metadata: {} });
    await store.set({
      key: "5",
      value: "5",
      metadata: { ttlInSeconds: "100" },
    });
    const ask = async (query: StateQuery) => {
      const { results, token } = await store.query!(query, {}, "");
      return [results.map(({ key }) => key).join(), token] as const;
    };
    const keys = async (filter: StateQuery["filter"]) =>
      (await ask({ filter }))[0];
    expect(await keys({ EQ: { state: "WA" } })).toBe("1,4");
    expect(await keys({ NEQ: { state: "WA" } })).toBe("2,3");
    expect(await keys({ IN: { state: ["OR", "NY"] } })).toBe("2,3");
    expect(await keys({ EQ: { city: "Spo'kane" } })).toBe("4");
    expect(await keys({ EQ: { "person.id": 99 } })).toBe("3");
    expect(await keys({ GT: { "person.id": 1028 } })).toBe("1,4");
    await store.set({
      key: "6",
      value: '{"price":10.00,"id":9007199254740993}',
      metadata: {},
    });
    expect(await keys({ EQ: { price: 10 } })).toBe("6");
    expect(await keys({ IN: { price: ["x", 10] } })).toBe("6");
    expect(await keys({ NEQ: { price: 10 } })).toBe("");
    expect(await keys({ EQ: { id: new Digits("9007199254740993") } })).toBe(
      "6",
    );
    expect(await keys({ EQ: { id: 9007199254740992 } })).toBe("");
    expect(await keys({ GT: { id: new Digits("9007199254740992") } })).toBe(
      "6",
    );
    await store.delete({ key: "6", metadata: {} });
    expect(await keys({ LTE: { "person.id": 1028 } })).toBe("2,3");
    expect(
      await keys({
        OR: [
          { EQ: { "person.org": "Finance" } },
          { AND: [{ EQ: { state: "WA" } }, { GTE: { "person.id": 1040 } }] },
        ],
      }),
    ).toBe("3,4");
    expect(await keys({ EQ: { "x' OR '1'='1": "1" } })).toBe("");
    const sort = [{ key: "person.id", order: "DESC" }];
    const first = await ask({
      sort,
      filter: { NEQ: { city: "" } },
      page: { limit: 3 },
    });
    expect(first).toEqual(["4,1,2", "3"]);
    expect(
      await ask({
        sort,
        filter: { NEQ: { city: "" } },
        page: { limit: 3, token: "3" },
      }),
    ).toEqual(["3", "4"]);
    await expect(ask({ filter: { GT: { city: "A" } } })).rejects.toThrow(
      "compares numbers",
    );
    const all = await store.query!({}, {}, "");
    expect(all.results).toHaveLength(5);
    expect(all.results[0]?.etag).toMatch(/^\d+$/);
    await store.close();
  });
});
