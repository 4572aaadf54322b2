import { jsonTypes, rowsJson } from "./json.ts";

/** By the type's number in pg_type. */
const oid = {
  bytea: 17,
  int4Array: 1007,
  textArray: 1009,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  timestamptzArray: 1185,
};
const json = (type: keyof typeof oid, text: string) =>
  (jsonTypes.getTypeParser(oid[type]) as (text: string) => string)(text);

// Settings of a server decide how it writes some types.
test.each([
  ["bytea", String.raw`a\000\377\\b`, '"YQD/XGI="'],
  [
    "timestamptz",
    "2024-01-02 03:04:05.678901+05:30",
    '"2024-01-01T21:34:05.678901Z"',
  ],
  ["timestamptz", "1890-01-01 00:00:00+00:19:32", '"1889-12-31T23:40:28Z"'],
  ["timestamptz", "2024-12-31 23:30:00-01", '"2025-01-01T00:30:00Z"'],
  ["timestamptz", "9999-12-31 23:00:00-05", '"9999-12-31 23:00:00-05"'],
  [
    "timestamptz",
    "Tue 02 Jan 03:04:05 2024 UTC",
    '"Tue 02 Jan 03:04:05 2024 UTC"',
  ],
  ["timestamp", "10000-01-01 00:00:00", '"10000-01-01 00:00:00"'],
  ["date", "02.01.2024", '"02.01.2024"'],
  ["date", "0044-03-15 BC", '"0044-03-15 BC"'],
  ["int4Array", "[0:1]={1,2}", "[1,2]"],
  ["int4Array", "[0:1][2:2]={{1},{2}}", "[[1],[2]]"],
  [
    "textArray",
    String.raw`{"a\\b","\"",NULL,"NULL",null,"{}",""}`,
    String.raw`["a\\b","\"",null,"NULL","null","{}",""]`,
  ],
  ["textArray", "{}", "[]"],
  [
    "timestamptzArray",
    '{"2024-01-02 03:04:05+00",infinity}',
    '["2024-01-02T03:04:05Z","infinity"]',
  ],
] as const)("%s %s is %s", (type, text, expected) => {
  expect(json(type, text)).toBe(expected);
  expect(() => JSON.parse(expected) as unknown).not.toThrow();
});

test("rows are lists, and what is null is so in JSON", () => {
  expect(rowsJson([])).toBe("[]");
  expect(
    rowsJson([
      ["1", null],
      ['"a"', "{}"],
    ]),
  ).toBe('[[1,null],["a",{}]]');
});
