import { decodeFirst, encode } from "./go-json.ts";

const decode = (text: string) => decodeFirst(Buffer.from(text));
const roundTrip = (text: string) => encode(decode(text));

test("keys are sorted as bytes, also those that look like numbers", () => {
  expect(roundTrip('{"b":{"z":1,"a":[{"d":1,"c":2}]},"a":1}')).toBe(
    '{"a":1,"b":{"a":[{"c":2,"d":1}],"z":1}}',
  );
  expect(roundTrip('{"9":1,"10":2}')).toBe('{"10":2,"9":1}');
});

test("strings keep their quotes; < > & and line separators are escaped", () => {
  expect(roundTrip('"a<b>&\u2028"')).toBe('"a\\u003cb\\u003e\\u0026\\u2028"');
});

test("numbers pass through float64", () => {
  expect(roundTrip("[1.50,12345678901234567890,1e21,-0]")).toBe(
    "[1.5,12345678901234567000,1e+21,-0]",
  );
  expect(() => roundTrip("1e400")).toThrow(SyntaxError);
});

test("a __proto__ key is kept as it came and changes nothing", () => {
  expect(roundTrip('{"__proto__":{"polluted":true}}')).toBe(
    '{"__proto__":{"polluted":true}}',
  );
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test.each([
  ["\\ud800", "\ufffd"],
  ["\\uDFFF", "\ufffd"],
  ["\\udc00\\ud800", "\ufffd\ufffd"],
  ["\\ud800\\ud83d\\ude00", "\ufffd😀"],
  ["\\uD83D\\uDE00", "😀"],
  ["\\\\ud800", "\\ud800"],
  ["\\\\\\ud800x", "\\\ufffdx"],
  ["\\ue000\\u0041", "\ue000A"],
])("half a surrogate pair is U+FFFD: %s", (written, read) => {
  expect(decode(`{"${written}":["${written}"]}`)).toEqual({ [read]: [read] });
});

test.each(["\\Ud800", "\\ud8zz", "\\ud80"])("%s stays no JSON", (written) => {
  expect(() => decode(`"${written}"`)).toThrow(SyntaxError);
});

test("what follows the first value is not read", () => {
  expect(decode('{"a":"}"} trailing')).toEqual({ a: "}" });
  expect(() => decode("")).toThrow("EOF");
  expect(() => decode('{"a":')).toThrow(SyntaxError);
  expect(() => decode("nonsense {}")).toThrow(SyntaxError);
});

test("nesting beyond Go's limit is refused, not a crash", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  expect(() => roundTrip(deep)).toThrow("exceeded max depth");
});

test.each([
  ["lists", "[", "]"],
  ["objects", '{"b":', ',"a":[1,-0,"<"]}'],
  ["objects before more", '{"a":0,"b":', "}"],
])("up to Go's limit all is written: %s", (_, open, close) => {
  const nested = (depth: number) =>
    open.repeat(depth) + "7" + close.repeat(depth);
  const shallow = roundTrip(nested(20));
  const deep = roundTrip(nested(open === "[" ? 10_000 : 9_999));
  const levels = (text: string) => text.split(/[[{]/).length;
  expect(levels(deep)).toBeGreaterThan(9_999);
  // A deep one is written by the same rules as a shallow one.
  const [start, end] = shallow.split("7") as [string, string];
  expect(deep.startsWith(start)).toBe(true);
  expect(deep.endsWith(end)).toBe(true);
  expect(() => roundTrip(nested(10_001))).toThrow("exceeded max depth");
});
