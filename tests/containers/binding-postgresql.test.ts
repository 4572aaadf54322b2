/** bindings.postgresql on a real server, through the sidecar's API. */
import { stopAll, type Daprd } from "../support/daprd.ts";
import {
  postgresPassword,
  startPostgres,
  type PostgresContainer,
} from "../support/postgres-server.ts";
import {
  ask,
  run,
  startSqlBinding,
  valueOf,
  type Start,
} from "../support/sql-binding.ts";
import { waitFor } from "../wait-for.ts";

let postgres: PostgresContainer;
/** Shared by all tests that do not change its state. */
let sidecar: Daprd;

beforeAll(async () => {
  postgres = await startPostgres();
  sidecar = await start();
});
afterAll(async () => {
  await stopAll();
  await postgres?.stop();
});

const start = (options?: Start) => startSqlBinding(postgres, options);

test("exec, query and ping answer with data and metadata", async () => {
  const made = await run(
    sidecar,
    "exec",
    "create table orders (orderid int, customer text, price float)",
  );
  expect(made).toMatchObject({ status: 200, text: "" });
  expect(made.headers["metadata.rows-affected"]).toBe("0");
  const insert = "insert into orders values ($1, $2, $3), ($4, $2, null)";
  const inserted = await run(sidecar, "exec", insert, [1, "O'Neil", 9.5, 2]);
  expect(inserted.headers).toMatchObject({
    "metadata.operation": "exec",
    "metadata.sql": insert,
    "metadata.rows-affected": "2",
    "metadata.duration": expect.stringMatching(/^\d+(\.\d+)?ms$/),
  });
  const [from, to] = ["start-time", "end-time"].map((name) => {
    const written = String(inserted.headers[`metadata.${name}`]);
    expect(written).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    return Date.parse(written);
  });
  expect(to).toBeGreaterThanOrEqual(from!);
  const found = await run(sidecar, "query", "select * from orders order by 1");
  expect(found).toMatchObject({
    status: 200,
    text: `[[1,"O'Neil",9.5],[2,"O'Neil",null]]`,
  });
  expect(found.headers["content-type"]).toBe("application/json");
  expect(found.headers["metadata.rows-affected"]).toBeUndefined();
  const none = await run(sidecar, "query", "select 1 where false");
  expect(none).toMatchObject({ status: 200, text: "[]" });
  const ping = await ask(sidecar, "ping");
  expect(ping.status).toBe(200);
  expect(ping.headers["metadata.operation"]).toBe("ping");
});

test("the answer to a long statement has no header with the statement", async () => {
  const sql = `select '${"x".repeat(20_000)}'`;
  const { status, text, headers } = await run(sidecar, "query", sql);
  expect([status, text.length]).toEqual([200, 20_006]);
  expect(headers["metadata.sql"]).toBeUndefined();
});

const refusal = '"message":"error invoking output binding sqldb: ';

/** Matches a refusal whose cause begins with the text, or matches the pattern. */
const refusedWith = (cause: string | RegExp) => ({
  status: 500,
  text: (typeof cause === "string"
    ? expect.stringContaining(refusal + cause)
    : expect.stringMatching(cause)) as unknown,
});

test.each([
  ["no sql", "exec", {}, "required metadata not set: sql"],
  ["an empty one", "query", { sql: "" }, "required metadata not set: sql"],
  [
    "params that are not JSON",
    "exec",
    { sql: "select $1", params: "1, 2" },
    "invalid metadata property params: failed to unserialize into an array: ",
  ],
  [
    "params with text after the list",
    "exec",
    { sql: "select $1", params: "[1] 2" },
    "invalid metadata property params: failed to unserialize into an array: ",
  ],
  [
    "params that are not a list",
    "exec",
    { sql: "select $1", params: '{"a":1}' },
    "invalid metadata property params: failed to unserialize into an array: it is JSON, but no list",
  ],
  [
    "too many params",
    "exec",
    { sql: "select $1", params: JSON.stringify(Array(65_536).fill(0)) },
    "invalid metadata property params: it has 65536 values, and PostgreSQL takes 65535",
  ],
  [
    "a list of lists of lists",
    "exec",
    {
      sql: "select $1::int[]",
      params: `${"[".repeat(5000)}${"]".repeat(5000)}`,
    },
    "error executing query: invalid metadata property params: a list is nested deeper than PostgreSQL's arrays",
  ],
  [
    "too few params",
    "query",
    { sql: "select $1::int, $2::int", params: "[1]" },
    /error executing query: .*supplies 1 parameters.*requires 2/,
  ],
  [
    "a param of another type",
    "exec",
    { sql: "select $1::int", params: '["x"]' },
    /error executing query: ERROR: invalid input syntax for type integer.*SQLSTATE 22P02/,
  ],
  [
    "wrong SQL",
    "exec",
    { sql: "selec" },
    /error executing query: ERROR: syntax error at or near .*selec.* \(SQLSTATE 42601\)/,
  ],
  [
    "several commands in a query",
    "query",
    { sql: "select 1; select 2" },
    "error executing query: ERROR: cannot insert multiple commands into a prepared statement (SQLSTATE 42601)",
  ],
  [
    "U+0000",
    "exec",
    { sql: "select 1\0" },
    "metadata property sql holds U+0000",
  ],
  [
    "another operation",
    "create",
    { sql: "select 1" },
    "binding sqldb does not support operation create. supported operations:exec query ping close",
  ],
])("%s is refused", async (_, operation, metadata, cause) => {
  const reply = await ask(
    sidecar,
    operation,
    metadata as Record<string, string>,
  );
  expect(reply).toMatchObject(refusedWith(cause));
  expect((await run(sidecar, "query", "select 1")).text).toBe("[[1]]");
});

test("an exec with several commands is done as a whole or not at all", async () => {
  const reply = await run(
    sidecar,
    "exec",
    "create table script (i int); insert into script values (1); insert into script values (2), (3)",
  );
  expect(reply.headers["metadata.rows-affected"]).toBe("2");
  const broken =
    "insert into script values (4); insert into script values ('x')";
  expect((await run(sidecar, "exec", broken)).status).toBe(500);
  expect(await valueOf(sidecar, "count(*) from script")).toBe("3");
});

test("no request is part of another's transaction", async () => {
  const alone = await start({ metadata: { maxConns: "2" } });
  await run(alone, "exec", "create table apart (i int)");
  for (const sql of [
    "begin",
    "begin; insert into apart values (1)",
    "begin; insert into apart values (1); selec",
    "begin; insert into apart values (1); select 1/0",
  ])
    for (let n = 0; n < 3; n++)
      expect((await run(alone, "exec", sql)).status).toBe(500);
  expect(await run(alone, "query", "begin")).toMatchObject(
    refusedWith(/error executing query: the statement left a transaction open/),
  );
  for (let n = 0; n < 8; n++)
    expect(
      (await run(alone, "exec", "insert into apart values ($1)", [n])).status,
    ).toBe(200);
  expect(await postgres.query("select count(*)::int from apart")).toEqual([
    [8],
  ]);
  expect(
    (await run(alone, "exec", "begin; insert into apart values (9); commit"))
      .status,
  ).toBe(200);
  expect(await postgres.query("select count(*)::int from apart")).toEqual([
    [9],
  ]);
});

test("a statement that takes too long has ended when the error is sent", async () => {
  const hasty = await start({ metadata: { timeout: "1s" } });
  await run(hasty, "exec", "create table late (i int)");
  const sql = "insert into late select 1 from pg_sleep(3600)";
  expect(await run(hasty, "exec", sql)).toMatchObject(
    refusedWith(
      /error executing query: .*took longer than 1 s and was cancelled, nothing of it is done/,
    ),
  );
  const left =
    "select count(*)::int from pg_stat_activity where query like 'insert into late%' and state = 'active'";
  expect(await postgres.query(left)).toEqual([[0]]);
  // If the session lifts the server's limit, the sidecar cancels the statement.
  expect(
    await run(
      hasty,
      "exec",
      "set statement_timeout = 0; select pg_sleep(3600)",
    ),
  ).toMatchObject(refusedWith(/error executing query: .*took longer than/));
});

test("COPY is an error, since it needs more than one request", async () => {
  await run(sidecar, "exec", "create table copied (i int)");
  for (const operation of ["exec", "query"] as const)
    expect(
      await run(sidecar, operation, "copy copied from stdin"),
    ).toMatchObject(
      refusedWith(/error executing query: .*COPY FROM STDIN needs a stream/),
    );
  expect((await run(sidecar, "query", "select 1")).text).toBe("[[1]]");
});

test("close ends the component for good, and may be called twice", async () => {
  const closing = await start({ type: "bindings.postgres" });
  expect((await run(closing, "query", "select 1")).text).toBe("[[1]]");
  for (let n = 0; n < 2; n++)
    expect((await ask(closing, "close")).status).toBe(204);
  for (const operation of ["exec", "query", "ping"])
    expect(await ask(closing, operation, { sql: "select 1" })).toMatchObject(
      refusedWith("component is closed"),
    );
  expect((await closing.stop()).code).toBe(0);
});

test("the password appears nowhere", async () => {
  const replies = await Promise.all([
    run(sidecar, "query", "selec"),
    run(sidecar, "exec", "set role nobody_at_all"),
    sidecar.call("GET", "/v1.0/metadata"),
  ]);
  const wrong = await start({
    metadata: { password: "canary-0815" },
    until: "nothing",
  });
  expect((await wrong.exited).code).toBe(1);
  expect(wrong.output()).toMatch(
    /initialization error occurred for sqldb \(bindings\.postgresql\/v1\): failed to connect to the database: postgresql at 127.0.0.1:\d+ refuses the login/,
  );
  const told = [
    ...replies.map(({ text }) => text),
    sidecar.output(),
    wrong.output(),
  ];
  for (const text of told) {
    expect(text).not.toContain(postgresPassword);
    expect(text).not.toContain("canary-0815");
  }
});

test.each([
  [{ connectionString: "" }, "missing connection string"],
  [{ timeout: "100ms" }, "invalid value for 'timeout'"],
  [{ queryExecMode: "x" }, "queryExecMode"],
  [{ useAWSIAM: "true" }, "useAWSIAM is not supported"],
] as const)("the metadata %j ends the start", async (metadata, cause) => {
  const refused = await start({ metadata, until: "nothing" });
  expect((await refused.exited).code).toBe(1);
  expect(refused.output()).toContain(cause);
});

test("a connection that the server ends costs one statement at most, and the error says that it may have been done", async () => {
  const cut = await start({ metadata: { maxConns: "2" } });
  const waiting = run(cut, "query", "select 1 from pg_sleep(3600)");
  const pids = await waitFor("the statement", async () => {
    const found = await postgres.query(
      "select pid from pg_stat_activity where query = 'select 1 from pg_sleep(3600)' and state = 'active'",
    );
    return found.length === 1 ? found : undefined;
  });
  await postgres.query("select pg_terminate_backend($1)", pids[0]);
  expect(await waiting).toMatchObject(
    refusedWith(
      /error executing query: .*lost before it answered, so the request may have been done or not/,
    ),
  );
  expect((await run(cut, "query", "select 1")).text).toBe("[[1]]");
});
