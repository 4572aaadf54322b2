import { Digits } from "../../../shared/json/go-json.ts";
import { parseJson } from "./json.ts";

test.each([
  ["", "1:1"],
  ["[1,]", "1:4"],
  ['{"a":1,}', "1:8"],
  ['{"a" 1}', "1:6"],
  ['{"a":"canary}\n', "1:6"],
  ["{'a':1}", "1:2"],
  ['{\n  // why\n  "a": 1\n}', "2:3"],
  ['{"a":canary}', "1:6"],
  ['{"a":01}', "1:6"],
  ['{"a":1} "canary"', "1:9"],
  ['{"a":"x"\n "canary":"y"}', "2:2"],
  ['{"a":[1}', "1:8"],
  ['{"a":1', "1:7"],
  ['{"a":"b\\x"}', "1:6"],
  ["[".repeat(2000), "1:1001"],
])("%j is broken at %s", (text, place) => {
  expect(() => JSON.parse(text)).toThrow();
  const parsed = parseJson(text);
  expect(parsed).toMatchObject({ place });
  expect(JSON.stringify(parsed)).not.toContain("canary");
});

test.each([
  ["{}", {}],
  [
    ' {"a": [true, null, -1.5e3, "\\u00e9\\n"]}\n',
    { a: [true, null, new Digits("-1.5e3"), "é\n"] },
  ],
  ['{"a":12345678901234567890}', { a: new Digits("12345678901234567890") }],
  ['\uFEFF{"a":{}}', { a: {} }],
  [`{"a":"${"x".repeat(2_000_000)}"}`, { a: "x".repeat(2_000_000) }],
  [`{"a":${" ".repeat(10_000)}"b"}`, { a: "b" }],
])("%.40j is read", (text, value) => {
  expect(parseJson(text)).toEqual({ value });
});
