/** bindings.postgresql on a real server: how values are converted on their way in and out. */
import { stopAll, type Daprd } from "../support/daprd.ts";
import {
  startPostgres,
  type PostgresContainer,
} from "../support/postgres-server.ts";
import { startSqlBinding, valueOf } from "../support/sql-binding.ts";

let postgres: PostgresContainer;
let sidecar: Daprd;

beforeAll(async () => {
  postgres = await startPostgres();
  sidecar = await startSqlBinding(postgres);
});
afterAll(async () => {
  await stopAll();
  await postgres?.stop();
});

test.each([
  ["true", "true"],
  ["7::int2", "7"],
  ["9007199254740993::int8", "9007199254740993"],
  ["'-9223372036854775808'::int8", "-9223372036854775808"],
  ["1.1::float4", "1.1"],
  ["1e-7::float8", "1e-07"],
  ["'NaN'::float8", '"NaN"'],
  ["'-Infinity'::float8", '"-Infinity"'],
  ["10.00::numeric", "10.00"],
  ["12345678901234567890.123456789", "12345678901234567890.123456789"],
  ["'<a \"b\">'", String.raw`"\u003ca \"b\"\u003e"`],
  ["'ab'::char(4)", '"ab  "'],
  ["null::int", "null"],
  [String.raw`'\x00ff'::bytea`, '"AP8="'],
  [
    `'{"b": 1, "a": 9007199254740993}'::json`,
    '{"b": 1, "a": 9007199254740993}',
  ],
  [`'{"a":10.00}'::jsonb`, '{"a": 10.00}'],
  ["'null'::jsonb", "null"],
  ["date '2024-01-02'", '"2024-01-02T00:00:00Z"'],
  ["timestamp '2024-01-02 03:04:05.678900'", '"2024-01-02T03:04:05.6789Z"'],
  ["timestamptz '2024-01-02 03:04:05.6+02'", '"2024-01-02T01:04:05.6Z"'],
  ["'infinity'::timestamptz", '"infinity"'],
  ["date '0044-03-15 BC'", '"0044-03-15 BC"'],
  ["time '10:11:12.5'", '"10:11:12.5"'],
  ["interval '1 day 02:03:04.5'", '"1 day 02:03:04.5"'],
  [
    "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid",
    '"6ba7b810-9dad-11d1-80b4-00c04fd430c8"',
  ],
  ["'1.2.3.4'::inet", '"1.2.3.4/32"'],
  ["'{1,NULL,9007199254740993}'::int8[]", "[1,null,9007199254740993]"],
  ["'{{1,2},{3,4}}'::int[]", "[[1,2],[3,4]]"],
  ["'{}'::int[]", "[]"],
  [
    `array['a','b "c"',null,'NULL','{','']`,
    String.raw`["a","b \"c\"",null,"NULL","{",""]`,
  ],
  [`array['{"a": 1}'::jsonb]`, '[{"a": 1}]'],
  [String.raw`array['\x00ff'::bytea]`, '["AP8="]'],
  ["array[timestamptz '2024-01-02 03:04:05+00']", '["2024-01-02T03:04:05Z"]'],
  ["'[1,5)'::int4range", '"[1,5)"'],
  ["12.50::money", '"$12.50"'],
])("the value of %s is returned as JSON", async (sql, json) => {
  expect(await valueOf(sidecar, sql)).toBe(json);
});

test.each([
  ["$1::int", [1], "1"],
  ["$1::int", "[2.0]", "2"],
  ["$1::int", "[1e3]", "1000"],
  ["$1::int", ["7"], "7"],
  ["$1::int8", "[9007199254740993]", "9007199254740993"],
  ["$1::numeric", "[0.10]", "0.10"],
  ["$1::float8", [1e21], "1e+21"],
  ["$1::bool", [true], "true"],
  ["$1::text", [null], "null"],
  ["$1::text", ["'; drop table orders --"], `"'; drop table orders --"`],
  ["$1::timestamptz", ["2024-01-02T03:04:05Z"], '"2024-01-02T03:04:05Z"'],
  ["$1::jsonb", [{ a: [1] }], '{"a": [1]}'],
  ["$1::jsonb", [[1, "a", { b: null }]], '[1, "a", {"b": null}]'],
  ["$1::jsonb", [[]], "[]"],
  ["$1::json", '[{"id":9007199254740993}]', '{"id":9007199254740993}'],
  ["$1::int[]", [[1, null, 3]], "[1,null,3]"],
  ["$1::int[]", [[[1], [2]]], "[[1],[2]]"],
  [
    "$1::text[], $2::jsonb",
    [["a", 'b"c', null], [1]],
    String.raw`["a","b\"c",null],[1]`,
  ],
  ["2 = any($1)", [[1, 2]], "true"],
  ["$1::jsonb[]", [[{ a: 1 }]], '[{"a": 1}]'],
])(
  "select %s with params %j gives the value back",
  async (sql, params, json) => {
    expect(await valueOf(sidecar, sql, params)).toBe(json);
  },
);
