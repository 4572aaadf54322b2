import type { StateQuery } from "../../../contracts/state-store.ts";
import { parseIndexes, toResult, toSearch } from "./query.ts";

const written = JSON.stringify([
  {
    name: "people",
    indexes: [
      { key: "person.id", type: "NUMERIC" },
      { key: "state", type: "TEXT" },
    ],
  },
]);
const [index] = parseIndexes(written, "app||");
const filterOf = (filter: StateQuery["filter"]) =>
  toSearch(index!, { filter })[1];

test("an index is created over the documents' data", () => {
  expect(index!.create.join(" ")).toBe(
    "app||people ON JSON PREFIX 1 app|| SCHEMA $.data.person.id AS var0 NUMERIC SORTABLE $.data.state AS var1 TEXT SORTABLE",
  );
  expect(parseIndexes(undefined, "")).toEqual([]);
});

test.each([
  ["{", "error parsing query index schema"],
  ["{}", "must be an array"],
  ['[{"name":""}]', "empty query schema name"],
  ['[{"name":"a","indexes":[{"key":"","type":"TEXT"}]}]', "empty key"],
  ['[{"name":"a","indexes":[{"key":"b"}]}]', "empty type"],
  ['[{"name":"a"},{"name":"a"}]', "duplicate schema name a"],
])("queryIndexes %s is refused", (text, error) => {
  expect(() => parseIndexes(text, "")).toThrow(error);
});

test.each([
  [undefined, "*"],
  [{}, "*"],
  [{ EQ: { state: "WA" } }, '(@var1:("WA"))'],
  [{ EQ: { "person.id": 7 } }, "(@var0:[7 7])"],
  [{ NEQ: { state: "WA" } }, '-(@var1:("WA"))'],
  [{ GT: { "person.id": 7 } }, "(@var0:[(7 +inf])"],
  [{ GTE: { "person.id": 7 } }, "(@var0:[7 +inf])"],
  [{ LT: { "person.id": 7.5 } }, "(@var0:[-inf (7.5])"],
  [{ LTE: { "person.id": 7 } }, "(@var0:[-inf 7])"],
  [{ IN: { state: ["WA", "CA"] } }, '(@var1:("WA")|@var1:("CA"))'],
  [
    { AND: [{ EQ: { state: "WA" } }, { GT: { "person.id": 1 } }] },
    '((@var1:("WA")) (@var0:[(1 +inf]))',
  ],
  [
    { OR: [{ NEQ: { state: "WA" } }, { LT: { "person.id": 1 } }] },
    '(-(@var1:("WA"))|(@var0:[-inf (1]))',
  ],
])("filter %j", (filter, text) => {
  expect(filterOf(filter)).toBe(text);
});

test("a value stays one phrase, whatever is in it", () => {
  expect(filterOf({ EQ: { state: 'x") | * \\ @var0:[1 2' } })).toBe(
    '(@var1:("x\\") | * \\\\ @var0:[1 2"))',
  );
});

test.each<[Record<string, unknown>, string]>([
  [{ EQ: { city: "x" } }, 'JSON path "city" is not indexed'],
  [{ GT: { state: "x" } }, "a number is needed"],
  [{ EQ: { state: true } }, "a number is needed"],
  [{ IN: { state: ["WA"] } }, "too few values in IN"],
  [{ IN: { state: "WA" } }, "must be an array"],
  [{ AND: [{ EQ: { state: "WA" } }] }, "two entries or more"],
  [{ LIKE: { state: "W" } }, 'unsupported filter "LIKE"'],
  [{ EQ: { state: "a", "person.id": 1 } }, "one entry"],
  [{ EQ: {}, NEQ: {} }, "one entry"],
])("filter %j is refused", (filter, error) => {
  expect(() => filterOf(filter)).toThrow(error);
});

test("sort and page", () => {
  const args = toSearch(index!, {
    sort: [{ key: "person.id", order: "DESC" }],
    page: { limit: 3, token: "6" },
  });
  expect(args.slice(2)).toEqual(
    "SORTBY var0 DESC LIMIT 6 3 RETURN 2 $.data $.version".split(" "),
  );
  expect(() =>
    toSearch(index!, { sort: [{ key: "state" }, { key: "person.id" }] }),
  ).toThrow("sorts by one key");
  expect(() =>
    toSearch(index!, { page: { limit: 3, token: "1 | 2" } }),
  ).toThrow("page token");
});

test("keys that another app saved are left out, wherever the index found them", () => {
  const one = ["$.data", "1", "$.version", "2"];
  const reply = [4, "app||a", one, "ap||b", one, "app||b||c", one, "d", one];
  const keysOf = (prefix: string) =>
    toResult(reply, { page: { limit: 4 } }, prefix);
  expect(keysOf("app||").results.map(({ key }) => key)).toEqual(["app||a"]);
  expect(keysOf("").results.map(({ key }) => key)).toEqual(["d"]);
  expect(keysOf("none||")).toEqual({ results: [], token: "4" });
});

test("an answer becomes results with a token for the next page", () => {
  const one = ["$.data", Buffer.from('{"a":1}'), "$.version", "2"];
  const other = ["$.version", "1"];
  const reply = [9, Buffer.from("app||1"), one, "app||2", other];
  expect(toResult(reply, { page: { limit: 2, token: "4" } }, "app||")).toEqual({
    results: [
      { key: "app||1", data: '{"a":1}', etag: "2" },
      { key: "app||2", data: "", error: "the document has no data" },
    ],
    token: "6",
  });
  expect(toResult([0], {}, "")).toEqual({ results: [] });
  expect(() => toResult("x", {}, "")).toThrow("form that is not known");
});
