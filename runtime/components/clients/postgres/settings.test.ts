import { parseMetadata } from "../../../contracts/metadata.ts";
import { parseConnectionString } from "./connection-string.ts";
import { postgresMetadata, postgresServer } from "./settings.ts";

const read = (values: Record<string, string>) =>
  postgresServer(
    parseMetadata(
      postgresMetadata,
      Object.entries(values).map(([name, value]) => ({ name, value })),
    ),
  );
const parse = (text: string) => Object.fromEntries(parseConnectionString(text));

test.each([
  [
    "host=db port=5433 user=bob password=secret dbname=orders",
    {
      host: "db",
      port: "5433",
      user: "bob",
      password: "secret",
      dbname: "orders",
    },
  ],
  [
    String.raw`password='two words, a \' and \\' user = bob  host=/run/pg`,
    { password: "two words, a ' and \\", user: "bob", host: "/run/pg" },
  ],
  ["password='' database=x", { password: "", dbname: "x" }],
  [
    "postgres://bob:p%40ss@db:5433/orders?sslmode=disable&search_path=a",
    {
      host: "db",
      port: "5433",
      user: "bob",
      password: "p@ss",
      dbname: "orders",
      sslmode: "disable",
      search_path: "a",
    },
  ],
  [
    "postgresql://bob@[::1]/orders",
    { host: "::1", user: "bob", dbname: "orders" },
  ],
  [
    "postgres://bob:p@ss@db/orders?user=bob@tenant",
    { host: "db", user: "bob@tenant", password: "p@ss", dbname: "orders" },
  ],
  [
    "postgres://db:5433/orders?user=bob@tenant",
    { host: "db", port: "5433", user: "bob@tenant", dbname: "orders" },
  ],
  [
    "postgres:///orders?host=/run/pg&user=bob",
    { dbname: "orders", host: "/run/pg", user: "bob" },
  ],
  ["", {}],
])("%s", (text, found) => {
  expect(parse(text)).toEqual(found);
});

test.each([
  "canary-4711",
  "host=db password='canary-4711",
  "host=db canary-4711",
  "postgres://bob:canary-4711%zz@db/x",
  "postgres://bob:canary-4711@db:port/x",
  "host=db password=two canary-4711 dbname=x",
  "host=db password=it's canary-4711",
  "postgres://bob:p@ss/canary-4711@db/x",
  "postgres://bob:1?canary-4711@db/x",
  "postgresql://bob:canary-4711@localhost:25432,bob:canary-4711@other:5432/x",
  "postgres://bob:p@ss?a=1&canary-4711@db/x",
  "postgres://bob:p@ss#canary-4711@db/x",
])("%s is refused without being shown", (text) => {
  const refused = () => parseConnectionString(text);
  expect(refused).toThrow("failed to parse connection string");
  expect(refused).not.toThrow("canary-4711");
});

test.each([
  [
    "Host=localhost Port=1 User=app Password=canary-4711",
    "'Host'",
    "write host",
  ],
  ["host=localhost;port=1;uid=app;pwd=canary-4711", "", "semicolons"],
  ["user=app;password=canary-4711 host=db", "", "semicolons"],
  ["host=db uid=app pwd=canary-4711", "'uid'", "write user"],
  ["server=db password=canary-4711", "'server'", "write host"],
  ["postgres://bob@db/x?Password=canary-4711", "'Password'", "write password"],
  ["jdbc:postgresql://db/x?password=canary-4711", "", "key=value"],
  ["Server=db;Password=canary-4711;", "", "semicolons"],
  ["host=bob:canary-4711@db", "", "the host is no host name"],
  ["host=redis://canary-4711", "", "the host is no host name"],
  ["host=/run/pg;password=canary-4711", "", "semicolons"],
  ["host='/run/pg password=canary-4711'", "", "the host is no host name"],
])("%s is no libpq string, and not told", (url, key, error) => {
  const refused = () => read({ url });
  expect(refused).toThrow(error);
  expect(refused).toThrow(key);
  expect(refused).not.toThrow("canary");
});

test("a host that is none is not told", () => {
  for (const host of [
    "bob:canary-4711@db",
    "postgres://canary-4711@db/x",
    "host=db password=canary-4711",
    "db?password=canary-4711",
  ]) {
    expect(() => read({ host })).toThrow("the host is no host name");
    expect(() => read({ host })).not.toThrow("canary");
  }
  for (const host of ["db.example.com", "::1", "10.0.0.1", "bücher_2", "/run"])
    expect(read({ host }).host).toBe(host);
});

test("the server is told the limit of a statement, unless the user sets one or a pooler may be between", () => {
  const limits = (values: Record<string, string>) =>
    read(values).limitsStatements;
  expect(limits({ host: "db" })).toBe(true);
  expect(limits({ url: "host=db statement_timeout=5s" })).toBe(false);
  expect(limits({ url: "host=db options='-c statement_timeout=5s'" })).toBe(
    false,
  );
  expect(limits({ host: "db", queryExecMode: "exec" })).toBe(false);
});

test("properties go before the connection string", () => {
  const server = read({
    url: "host=a port=1 user=u password=p dbname=d sslmode=disable",
    host: "b",
    password: "q",
  });
  expect(server).toMatchObject({
    host: "b",
    port: 1,
    user: "u",
    password: "q",
    database: "d",
    tls: undefined,
  });
});

test("without a connection string a host is enough", () => {
  expect(read({ host: "db", user: "u" })).toMatchObject({
    host: "db",
    port: 5432,
    timeoutMs: 20_000,
    prepares: true,
  });
  expect(() => read({})).toThrow("missing connection string");
});

test("sslmode as libpq has it", () => {
  const tls = (mode: string) => read({ url: `host=db ${mode}` });
  expect(tls("")).toMatchObject({
    tls: { rejectUnauthorized: false },
    tlsIsOptional: true,
  });
  expect(tls("sslmode=require")).toMatchObject({
    tls: { rejectUnauthorized: false },
    tlsIsOptional: false,
  });
  expect(tls("sslmode=verify-full").tls).toEqual({});
  expect(tls("sslmode=verify-ca").tls).toHaveProperty("checkServerIdentity");
  expect(tls("sslmode=disable").tls).toBeUndefined();
});

test.each([
  ["sslmode=canary", "sslmode is not one of disable"],
  ["sslrootcert=/no/canary", "the file of sslrootcert can't be read (ENOENT)"],
  ["pool_max_conn_idle_time=canary", "pool_max_conn_idle_time is not a"],
  ["port=canary", "the port is not a port"],
])("%s is refused without being shown", (setting, error) => {
  const refused = () => read({ url: `host=db ${setting}` });
  expect(refused).toThrow(error);
  expect(refused).not.toThrow("canary");
});

test("all other parameters are settings of the session", () => {
  expect(
    read({
      url: "host=db search_path='a, b' statement_timeout=5s pool_max_conns=9 application_name=kit",
    }),
  ).toMatchObject({
    options: String.raw`-c search_path=a,\ b -c statement_timeout=5s`,
    maxConnections: 9,
    applicationName: "kit",
  });
});

test.each([
  [{ url: "host=db", timeout: "500ms" }, "must be greater than 1s"],
  [{ url: "host=db", queryExecMode: "fast" }, "invalid queryExecMode"],
  [{ url: "host=a,b" }, "one host only"],
  [{ url: "host=a", useAWSIAM: "true" }, "useAWSIAM is not supported"],
  [{ url: "host=db port=x" }, "not a port"],
])("%j is refused", (values, error) => {
  expect(() => read(values as Record<string, string>)).toThrow(error);
});
