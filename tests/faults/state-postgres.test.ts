/** state.postgresql when many write at once, statements take too long, or the component names something that it cannot use. */
import pg from "pg";
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  postgresPassword,
  startPostgres,
  type PostgresContainer,
} from "../support/postgres-server.ts";
import { waitFor } from "../wait-for.ts";

let postgres: PostgresContainer;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.stop());
afterEach(async () => {
  for (const release of holding) await release();
  await stopAll();
});

/** Locks that a failed test did not release. */
const holding = new Set<() => Promise<void>>();

interface Options {
  appId?: string;
  version?: "v1" | "v2";
  /** More metadata for the component. */
  more?: Record<string, string>;
  until?: "outbound" | "nothing";
}

/** Starts a sidecar. `name` is the application_name of its connections. */
const start = (
  name: string,
  { appId, version = "v2", more = {}, until = "outbound" }: Options = {},
): Promise<Daprd> =>
  startDaprd({
    appId: appId ?? "orders",
    until,
    resources: {
      "orders.yaml": component(
        "orders",
        "state.postgresql",
        {
          connectionString: `host=127.0.0.1 port=${postgres.port} user=postgres dbname=postgres sslmode=disable application_name=${name}`,
          password: postgresPassword,
          ...(version === "v1" ? { tableName: "v1_state" } : {}),
          ...more,
        },
        { version },
      ),
    },
  });

const path = "/v1.0/state/orders";
const post = (sidecar: Daprd, to: string, body: unknown) =>
  sidecar.call("POST", `${path}${to}`, {
    body: JSON.stringify(body),
    timeoutMs: 60_000,
  });
const save = (sidecar: Daprd, key: string, value: unknown, more = {}) =>
  post(sidecar, "", [{ key, value, ...more }]);
const read = (sidecar: Daprd, key: string) =>
  sidecar.call("GET", `${path}/${key}`);
const upsert = (key: string, value: unknown, more = {}) => ({
  operation: "upsert",
  request: { key, value, ...more },
});

/** The server's processes behind the connections with this name. */
const backends = async (name: string) =>
  (
    await postgres.query(
      "SELECT pid, state FROM pg_stat_activity WHERE application_name = $1 ORDER BY pid",
      [name],
    )
  ).map(([pid, state]) => ({ pid, state }));

/** Locks a key's row. Resolves with the function that unlocks it. */
async function hold(key: string): Promise<() => Promise<void>> {
  const client = new pg.Client(postgres.url());
  await client.connect();
  await client.query("BEGIN");
  const { rowCount } = await client.query(
    "SELECT 1 FROM state WHERE key = $1 FOR UPDATE",
    [key],
  );
  expect(rowCount).toBe(1);
  const release = async () => {
    holding.delete(release);
    await client.query("ROLLBACK");
    await client.end();
  };
  holding.add(release);
  return release;
}

test.each([
  ["limited by the server", {}],
  ["cancelled, as needed with a pooler", { queryExecMode: "exec" }],
])(
  "a save that timed out does not come back later over a newer one, and its process ends: %s",
  async (_, more) => {
    const slow = await start("slow", { more: { timeout: "1s", ...more } });
    const other = await start("other");
    expect((await save(other, "late", "first")).status).toBe(204);
    const release = await hold("orders||late");
    const late = await Promise.all(
      Array.from({ length: 8 }, (_, i) => save(slow, "late", `late ${i}`)),
    );
    for (const { status, text } of late) {
      expect(status).toBe(500);
      expect(text).toMatch(
        /took longer than 1 s|connections .* were in use for 1 s/,
      );
    }
    const newer = save(other, "late", "newer");
    await waitFor("the newer save to wait", async () =>
      (await backends("other")).some(({ state }) => state === "active"),
    );
    await release();
    expect((await newer).status).toBe(204);
    await waitFor("the late ones to be over", async () =>
      (await backends("slow")).every(({ state }) => state === "idle"),
    );
    expect((await read(other, "late")).json()).toBe("newer");
    expect((await backends("slow")).length).toBeLessThanOrEqual(4);
  },
);

test("a transaction that times out is answered after its timeout, not after twice that time", async () => {
  const sidecar = await start("twice", { more: { timeout: "2s" } });
  expect((await save(sidecar, "twice", 1)).status).toBe(204);
  const release = await hold("orders||twice");
  try {
    const ended: string[] = [];
    const transaction = post(sidecar, "/transaction", {
      operations: [upsert("before", 1), upsert("twice", 2)],
    }).then((reply) => {
      ended.push("transaction");
      return reply;
    });
    // Two saves, one after the other, take twice the time.
    const saves = (async () => {
      await save(sidecar, "twice", 3);
      await save(sidecar, "twice", 4);
      ended.push("two saves");
    })();
    const [{ status, text }] = await Promise.all([transaction, saves]);
    expect(status).toBe(500);
    expect(text).toContain("took longer than 2 s");
    expect(ended).toEqual(["transaction", "two saves"]);
    expect((await read(sidecar, "before")).status).toBe(204);
  } finally {
    await release();
  }
});

test("when the caller leaves, its save is cancelled", async () => {
  const sidecar = await start("gone", { more: { timeout: "1h" } });
  expect((await save(sidecar, "gone", "first")).status).toBe(204);
  const release = await hold("orders||gone");
  const leaving = new AbortController();
  const left = fetch(`http://127.0.0.1:${sidecar.port}${path}`, {
    method: "POST",
    body: JSON.stringify([{ key: "gone", value: "of nobody" }]),
    signal: leaving.signal,
  }).catch((error: Error) => error.name);
  const isWaiting = async () =>
    (await backends("gone")).some(({ state }) => state === "active");
  await waitFor("the save to wait", isWaiting);
  leaving.abort();
  expect(await left).toBe("AbortError");
  await waitFor("its statement to end", async () => !(await isWaiting()));
  await release();
  expect((await read(sidecar, "gone")).json()).toBe("first");
  expect((await save(sidecar, "gone", "second")).status).toBe(204);
});

test("with a higher isolation level, a transaction that conflicts with another is refused as a whole", async () => {
  const sidecar = await start("raised", {
    more: {
      connectionString: `host=127.0.0.1 port=${postgres.port} user=postgres dbname=postgres sslmode=disable application_name=raised default_transaction_isolation='repeatable read'`,
    },
  });
  expect((await save(sidecar, "raised", 1)).status).toBe(204);
  const client = new pg.Client(postgres.url());
  await client.connect();
  await client.query("BEGIN");
  await client.query(
    "UPDATE state SET value = '7' WHERE key = 'orders||raised'",
  );
  const transaction = post(sidecar, "/transaction", {
    operations: [upsert("beside", 1), upsert("raised", 2)],
  });
  await waitFor("it to wait", async () =>
    (await backends("raised")).some(({ state }) => state === "active"),
  );
  await client.query("COMMIT");
  await client.end();
  const { status, text } = await transaction;
  expect(status).toBe(500);
  expect(text).toContain("another transaction came between");
  expect((await read(sidecar, "raised")).json()).toBe(7);
  expect((await read(sidecar, "beside")).status).toBe(204);
});

test("a refused statement does not cost its connection", async () => {
  const sidecar = await start("refused");
  expect((await save(sidecar, "refused", 1)).status).toBe(204);
  const etag = "00000000-0000-0000-0000-000000000000";
  const transact = () =>
    post(sidecar, "/transaction", {
      operations: [upsert("other", 1), upsert("refused", 2, { etag })],
    });
  const seen = new Set<unknown>();
  for (let i = 0; i < 50; i++) {
    const replies = await Promise.all([
      transact(),
      save(sidecar, "refused", 2, { etag }),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([500, 409]);
    for (const { pid } of await backends("refused")) seen.add(pid);
  }
  expect(seen.size).toBeLessThanOrEqual(4);
  expect((await read(sidecar, "other")).status).toBe(204);
});

test("a save of 5,000 items does not hold up others, and of several items with one key the last counts", async () => {
  const sidecar = await start("bulk", { version: "v1" });
  expect((await save(sidecar, "small", 0)).status).toBe(204);
  const items = Array.from({ length: 5000 }, (_, i) => ({
    key: `bulk-${i}`,
    value: { n: i },
  }));
  items.push({ key: "bulk-7", value: { n: -7 } });
  let isOver = false;
  const big = post(sidecar, "", items).finally(() => (isOver = true));
  let served = 0;
  await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      while (!isOver) {
        expect((await save(sidecar, `small-${i}`, served)).status).toBe(204);
        expect((await read(sidecar, "small")).json()).toBe(0);
        if (!isOver) served++;
      }
    }),
  );
  expect((await big).status).toBe(204);
  expect(served).toBeGreaterThan(16);
  const found = await postgres.query(
    "SELECT count(*)::int, sum((value->>'n')::int)::int FROM v1_state WHERE key LIKE 'orders||bulk-%'",
  );
  expect(found).toEqual([[5000, (5000 * 4999) / 2 - 14]]);
});

test("each item of a large save passes or fails by itself", async () => {
  const sidecar = await start("each", { version: "v1" });
  expect((await save(sidecar, "each-3", "old")).status).toBe(204);
  const items = Array.from({ length: 300 }, (_, i) => ({
    key: `each-${i}`,
    // JSONB cannot hold this character.
    value: i === 7 ? "\0" : i,
    ...(i === 3 ? { etag: "1" } : {}),
  }));
  const { status, text } = await post(sidecar, "", items);
  expect(status).toBe(409);
  expect(text).toContain("possible etag mismatch");
  const keys = items.map(({ key }) => key);
  const found = (await post(sidecar, "/bulk", { keys })).json() as {
    data?: unknown;
  }[];
  expect(found.map(({ data }) => data)).toEqual(
    items.map((_, i) => (i === 7 ? undefined : i === 3 ? "old" : i)),
  );
  const refused = await save(sidecar, "each-7", "\0");
  expect(refused.status).toBe(500);
  expect(refused.text).toContain("use version v2");
});

test("the error about an exhausted pool says so, and does not call the server unreachable", async () => {
  const sidecar = await start("pool", {
    more: { timeout: "1s", maxConns: "2" },
  });
  expect((await save(sidecar, "pool", 1)).status).toBe(204);
  const release = await hold("orders||pool");
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => save(sidecar, "pool", 2)),
  );
  await release();
  const texts = replies.map(({ text }) => text);
  expect(texts.filter((text) => /in use for 1 s/.test(text))).not.toEqual([]);
  for (const text of texts)
    expect(text).toMatch(/took longer than 1 s|raise maxConns/);
  expect((await read(sidecar, "pool")).json()).toBe(1);
  expect(sidecar.output()).not.toContain("can't be reached");
});

test("a key that PostgreSQL cannot hold gets 400, and in a bulk answer the other keys are still there", async () => {
  const sidecar = await start("nul");
  expect((await save(sidecar, "a", 1)).status).toBe(204);
  const replies = [
    await save(sidecar, "a\0b", 1),
    await read(sidecar, "a%00b"),
    await sidecar.call("DELETE", `${path}/a%00b`),
    await post(sidecar, "/transaction", { operations: [upsert("\0", 1)] }),
  ];
  for (const { status, text } of replies) {
    expect(status).toBe(400);
    expect(text).toContain("ERR_MALFORMED_REQUEST");
    expect(text).toContain("U+0000");
  }
  const keys = ["a", "a\0b", "none"];
  const bulk = await post(sidecar, "/bulk", { keys });
  expect(bulk.status).toBe(200);
  expect(bulk.json()).toEqual([
    expect.objectContaining({ key: "a", data: 1 }),
    { key: "a\0b", error: expect.stringContaining("U+0000") },
    { key: "none" },
  ]);
});

test("a first-write that is not the first gets 409", async () => {
  for (const version of ["v1", "v2"] as const) {
    const sidecar = await start(`first_${version}`, { version });
    const options = { concurrency: "first-write" };
    expect((await save(sidecar, "first", 1, { options })).status).toBe(204);
    const { status, text } = await save(sidecar, "first", 2, { options });
    expect(status).toBe(409);
    expect(text).toContain("possible etag mismatch");
  }
});

test("a query finds only what its own app saved", async () => {
  const version = "v1" as const;
  const apps = await Promise.all([
    start("ours", { version, appId: "app_" }),
    start("theirs", { version, appId: "appX" }),
    start("nobodys", { version, more: { keyPrefix: "none" } }),
  ]);
  for (const [i, app] of apps.entries())
    expect((await save(app, `mine-${i}`, { own: i })).status).toBe(204);
  for (const [i, app] of apps.entries()) {
    const found = await app.call("POST", "/v1.0-alpha1/state/orders/query", {
      body: JSON.stringify({ filter: { IN: { own: ["0", "1", "2"] } } }),
    });
    expect(found.json()).toEqual({
      results: [
        { key: `mine-${i}`, data: { own: i }, etag: expect.any(String) },
      ],
    });
  }
});

test("a table of another version ends the start with an error that names it", async () => {
  const first = await start("v1_first", {
    version: "v1",
    more: { tableName: "taken_state" },
  });
  await first.stop();
  const second = await start("v2_second", {
    more: { tablePrefix: "taken_" },
    until: "nothing",
  });
  expect((await second.exited).code).toBe(1);
  expect(second.output()).toMatch(
    /table taken_state .* state\.postgresql v2.* lacks .*expires_at.*tablePrefix/,
  );
  const third = await start("v1_third", {
    version: "v1",
    more: { tableName: "state" },
    until: "nothing",
  });
  expect((await third.exited).code).toBe(1);
  expect(third.output()).toMatch(
    /table state .* state\.postgresql v1.* lacks isbinary.*tableName/,
  );
});

test("a missing right ends the start with an error that names it, and only the needed rights are required", async () => {
  await postgres.query("CREATE ROLE clerk LOGIN PASSWORD 'canary-0815'");
  const more = { user: "clerk", password: "canary-0815" };
  const none = await start("none", { more, until: "nothing" });
  expect((await none.exited).code).toBe(1);
  expect(none.output()).toMatch(
    /user clerk lacks SELECT, INSERT, UPDATE.* dapr_metadata.*GRANT/,
  );
  await postgres.query(
    "GRANT SELECT, INSERT, UPDATE ON dapr_metadata, state TO clerk",
  );
  const some = await start("some", { more, until: "nothing" });
  expect((await some.exited).code).toBe(1);
  expect(some.output()).toMatch(
    /user clerk lacks DELETE on table state: GRANT DELETE ON state TO clerk/,
  );
  await postgres.query("GRANT DELETE ON state TO clerk");
  const all = await start("all", { more });
  expect((await save(all, "clerk", 1)).status).toBe(204);
});

test.each([
  [
    "database",
    { database: "nowhere" },
    /nowhere.*does not exist; create it, or correct database/,
  ],
  ["no password", { password: "" }, /asks for a password.*set password/],
  ["tls", { sslmode: "require" }, /no TLS.*sslmode/],
])(
  "the error says what is wrong and what to set: %s",
  async (_, more, said) => {
    const { sslmode, ...rest } = more as Record<string, string>;
    const sidecar = await start("bad", {
      until: "nothing",
      more: {
        ...rest,
        ...(sslmode
          ? {
              connectionString: `host=127.0.0.1 port=${postgres.port} user=postgres sslmode=${sslmode}`,
            }
          : {}),
      },
    });
    expect((await sidecar.exited).code).toBe(1);
    expect(sidecar.output()).toMatch(said);
    expect(sidecar.output()).toContain(
      `postgresql at 127.0.0.1:${postgres.port}`,
    );
  },
);

test("the error about a host that does not resolve says so", async () => {
  const sidecar = await start("lost", { more: { host: "no.such.invalid" } });
  const { status, text } = await read(sidecar, "a");
  expect(status).toBe(500);
  expect(text).toMatch(
    /no\.such\.invalid:\d+ can't be reached: .*does not resolve.*host/,
  );
  expect(text).not.toContain("may have been done");
});
