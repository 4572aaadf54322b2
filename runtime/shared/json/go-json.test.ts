import { decodeFirst, Digits, encode } from "./go-json.ts";

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

test.each([
  "9007199254740993",
  "-12345678901234567890",
  "10.00",
  "0.10",
  "1E400",
  "-1e-400",
  "1e21",
  "-0",
  "-0.0",
  "1.5",
  "123456789012345",
])("a number stays as written: %s", (number) => {
  for (const text of [
    number,
    `[${number}]`,
    `{"a":${number}}`,
    `[0,${number},"x"]`,
  ])
    expect(roundTrip(text)).toBe(text);
  expect(roundTrip(`{"b": ${number}, "a":\t[ ${number}\n]}`)).toBe(
    `{"a":[${number}],"b":${number}}`,
  );
  expect(decode(`["${number}"]`)).toEqual([number]);
});

test("what float64 keeps is a number, all else its digits", () => {
  expect(decode('{"a":1,"b":1.5,"c":1.50,"d":":1.50"}')).toEqual({
    a: 1,
    b: 1.5,
    c: new Digits("1.50"),
    d: ":1.50",
  });
});

test("digits far down are kept too", () => {
  const deep = `${"[".repeat(9000)}1.50${"]".repeat(9000)}`;
  expect(() => decode(deep)).not.toThrow();
  const some = `${'{"a":['.repeat(300)}1.50${"]}".repeat(300)}`;
  expect(roundTrip(some)).toBe(some);
});

test("any JSON comes back with its numbers as written", () => {
  let seed = 11;
  const random = (n: number) =>
    (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const digits = (n: number) =>
    Array.from({ length: 1 + random(n) }, () => random(10)).join("");
  const number = () =>
    pick(["", "-"]) +
    pick(["0", `${1 + random(9)}${digits(20)}`, `${1 + random(9)}`]) +
    pick(["", "", `.${digits(5)}`]) +
    pick([
      "",
      "",
      "",
      `${pick(["e", "E"])}${pick(["", "-", "+"])}${digits(3)}`,
    ]);
  const string = () =>
    JSON.stringify(
      pick(["", ":", ",", "[", "\\", '"', " ", "é", "<"]) +
        pick([number(), "x", ""]) +
        pick(["", ",", "]", "}", "\n"]),
    );
  const blank = () => pick(["", "", " ", "\n", "\t "]);
  /** As written, and as Go would write it with exact numbers. */
  const make = (depth: number): [string, string] => {
    const kind = random(depth > 4 ? 4 : 7);
    if (kind < 2) {
      const text = number();
      return [text, text];
    }
    if (kind === 2) {
      const text = string();
      return [text, text.replaceAll("<", "\\u003c")];
    }
    if (kind === 3)
      return pick([["true", "true"] as const, ["null", "null"]]) as [
        string,
        string,
      ];
    const items = Array.from({ length: random(4) }, () => make(depth + 1));
    if (kind === 4)
      return [
        `[${items.map(([written]) => blank() + written + blank()).join(",")}]`,
        `[${items.map(([, encoded]) => encoded).join(",")}]`,
      ];
    return [
      `{${items.map(([written], i) => `"k${i}"${blank()}:${blank()}${written}${blank()}`).join(",")}}`,
      `{${items.map(([, encoded], i) => `"k${i}":${encoded}`).join(",")}}`,
    ];
  };
  for (let round = 0; round < 3000; round++) {
    const [written, encoded] = make(0);
    expect(roundTrip(written)).toBe(encoded);
    // What is read differs from JSON.parse in its numbers only.
    const plain = JSON.stringify(decode(written), (_, value: unknown) =>
      value instanceof Digits ? Number(value.text) : value,
    );
    expect(plain).toBe(JSON.stringify(JSON.parse(written)));
    // Nothing is taken that JSON.parse refuses.
    const at = random(written.length + 1);
    const broken =
      written.slice(0, at) +
      pick(["", ".", "e", "-", "0", "1", '"', "]"]) +
      written.slice(at + random(2));
    let isJson = true;
    try {
      JSON.parse(broken);
    } catch {
      isJson = false;
    }
    // Go's reader stops after the first value.
    if (isJson) expect(() => decode(broken)).not.toThrow();
    else if (!/^\s*[[{"]/.test(broken))
      expect(() => decode(broken)).toThrow(SyntaxError);
  }
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

test("special characters are escaped in long texts as in short ones", () => {
  const all = "a<b>c&d\u2028e\u2029f€g\u2027h\u{1f600}";
  const short = encode(all);
  expect(short).toBe(
    '"a\\u003cb\\u003ec\\u0026d\\u2028e\\u2029f€g\u2027h\u{1f600}"',
  );
  expect(encode(all.repeat(5000))).toBe(`"${short.slice(1, -1).repeat(5000)}"`);
});
