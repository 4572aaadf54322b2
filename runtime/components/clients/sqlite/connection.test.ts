import { parseConnection } from "./connection.ts";

test.each([
  ["data.db", "/f/data.db", "/f/data.db"],
  ["sub/data.db", "/f/sub/data.db", "/f/sub/data.db"],
  ["/abs/data.db", "/abs/data.db", "/abs/data.db"],
  ["file:data.db", "/f/data.db", "/f/data.db"],
  ["file:/abs/data.db", "/abs/data.db", "/abs/data.db"],
  ["file:///abs/a%20b.db", "/abs/a b.db", "/abs/a b.db"],
  ["file://localhost/abs/data.db", "/abs/data.db", "/abs/data.db"],
  ["file:data.db?_txlock=immediate", "/f/data.db", "/f/data.db"],
  ["data.db?mode=rwc", "/f/data.db", "file:/f/data.db?mode=rwc"],
])("%s", (text, path, location) =>
  expect(parseConnection(text, "/f")).toEqual({
    path,
    location,
    isReadOnly: false,
    pragmas: [],
  }),
);

test.each([":memory:", "file::memory:?cache=shared", "file:x?mode=memory"])(
  "%s has no file",
  (text) =>
    expect(parseConnection(text)).toMatchObject({
      location: ":memory:",
      path: undefined,
    }),
);

test.each(["file:data.db?mode=ro", "data.db?immutable=1"])(
  "%s is only read",
  (text) => expect(parseConnection(text, "/f").isReadOnly).toBe(true),
);

test("settings of the original's form", () => {
  const { pragmas } = parseConnection(
    "file:a.db?_pragma=cache_size(-2000)&_pragma=synchronous=NORMAL&_pragma=optimize",
  );
  expect(pragmas).toEqual([
    "PRAGMA cache_size = -2000",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA optimize",
  ]);
});

test.each([
  ["a.db?_pragma=busy_timeout(1)", /forbidden.*busy_timeout.*busyTimeout/],
  ["a.db?_pragma=JOURNAL_MODE(WAL)", /forbidden.*JOURNAL_MODE.*disableWAL/],
  ["a.db?_pragma=foreign_keys(1)", /forbidden.*foreign_keys/],
  ["a.db?_pragma=user_version(1);DROP TABLE state", /is not name\(value\)/],
  ["file://server/share/a.db", /name a host/],
])("%s is refused", (text, error) =>
  expect(() => parseConnection(text)).toThrow(error),
);

test.each([
  "postgres://bob:canary-4711@db/orders",
  "redis://canary-4711@db",
  "Data Source=a.db;Password=canary-4711",
  "host=db password=canary-4711",
  "file://bob:canary-4711@db/a.db",
  "a.db?_pragma=key('canary-4711')",
])("%s is refused without being shown", (text) => {
  const refused = () => parseConnection(text);
  expect(refused).toThrow("connection string");
  expect(refused).not.toThrow("canary");
});
