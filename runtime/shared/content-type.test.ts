import { contentTypeOf, isJsonType } from "./content-type.ts";

const deep = "[".repeat(200_000);
const json = "application/json";
const text = "text/plain; charset=utf-8";
const bytes = "application/octet-stream";

test.each([
  ["", json],
  ["null", json],
  ['{"a":1}', json],
  [" [1, 2]\n", json],
  ["-12.50", json],
  ['"a"', json],
  ["hello", text],
  ["true or false", text],
  ["{not json}", text],
  ["a=1&b=2", text],
  ["{".padEnd(200_000, "x"), text],
  [`["${"x".repeat(200_000)}"]`, json],
  [deep, text],
])("%#: the type of text", (body, type) => {
  expect(contentTypeOf(Buffer.from(body))).toBe(type);
});

test("bytes that are no UTF-8 are bytes", () => {
  expect(contentTypeOf(Buffer.from([0xff, 0xd8, 0x00]))).toBe(bytes);
  expect(contentTypeOf(Buffer.from([0x22, 0xff, 0x41]))).toBe(bytes);
});

test.each([
  ["application/json", true],
  ["Application/JSON; charset=utf-8", true],
  ["application/cloudevents+json", true],
  ["text/json", true],
  ["", true],
  ["text/plain", false],
  ["application/x-www-form-urlencoded", false],
  ["application/jsonl", false],
])("%s is JSON: %s", (type, is) => {
  expect(isJsonType(type)).toBe(is);
});
