import { scanJson, type ScannedJson } from "./scan-json.ts";

const scan = (text: string | Uint8Array) => scanJson(Buffer.from(text));

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const texts = [
  "0 -0 1.5 -1.25e+10 1E5 01 1. .5 1e - -a +1 00 1e+ 1.e5 NaN",
  "true false null tru nul truex True",
  '"" "a" "é" "\\n\\u00e9\\"\\\\\\/\\b\\f\\r\\t" "\\x" "\\u12" "\\u12g4" "a',
  "[] [1] [1,2] [1,] [,1] [1 [[]] ] ][ [1}]",
  '{} {"a":1} {"a":1,"b":[{}]} {"a"} {"a":} {a:1} {"a":1,} {"a":1]} {"a" "b"} {,}',
]
  .flatMap((line) => line.split(" "))
  .concat([
    "",
    " ",
    " \t\r\n1\n",
    "1 2",
    '{"a":1} junk',
    "[1] ,",
    '"a\nb"',
    '"a\u0001b"',
    "\ufeff1",
    "\u00a01",
    '{ "a" : [ 1 , { "b" : null } ] , "c" : "}" }',
  ]);

test.each(texts)("%j is JSON where JSON.parse says so", (text) => {
  expect(typeof scan(text) === "object").toBe(isJson(text));
});

/** The same each time, so that a failure can be looked at. */
function randomizer(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("it agrees with JSON.parse about 50,000 damaged texts", () => {
  const random = randomizer(1);
  const whole =
    '{"a":[1,-2.5e3,{"b":"c\\u00e9\\n"},true,false,null],"d":{},"e":[],"f":"g"}';
  const pieces = [
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "1",
    "e",
    "-",
    ".",
    "\\",
    "u",
    "a",
    " ",
  ];
  for (let round = 0; round < 50_000; round++) {
    let text = whole;
    for (let n = random(3); n >= 0; n--) {
      const at = random(text.length);
      const piece = pieces[random(pieces.length)]!;
      text = text.slice(0, at) + piece + text.slice(at + random(3));
    }
    if ((typeof scan(text) === "object") !== isJson(text))
      throw new Error(`wrong about ${text}`);
  }
});

test("the place of what is wrong is told", () => {
  expect(scan('{"a":x}')).toBe(5);
  expect(scan("[1,2")).toBe(4);
  expect(scan("1 x")).toBe(2);
  expect(scan("")).toBe(0);
});

test("the space around a value is left out", () => {
  expect(scan("\n [1] \n")).toEqual({ start: 2, end: 5, isSound: true });
});

test.each([
  ['"é"', true],
  [Buffer.from([0x22, 0xff, 0x22]), false],
  ['"\\ud83d\\ude00"', false], // a pair is fine, but only a closer look tells
  ['"\\uD800"', false],
  ['"\\ud700"', true],
  ['"\\\\ud800"', true],
])("%j may be passed on as it is: %j", (text, isSound) => {
  expect((scan(text) as ScannedJson).isSound).toBe(isSound);
});

test("it is as deep as Go reads it", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  expect(typeof scan(nested(10_000))).toBe("object");
  expect(scan(nested(10_001))).toBe(10_000);
});

test("members of the outermost object are told", () => {
  const bytes = Buffer.from(
    ' { "a" : 1 , "b":{"c":[2,{"d":3}]},"\\u0061": "x" , "e":{} , "f":[] } ',
  );
  const found: [string, string][] = [];
  scanJson(bytes, (nameStart, nameEnd, valueStart, valueEnd) =>
    found.push([
      bytes.toString("utf8", nameStart, nameEnd),
      bytes.toString("utf8", valueStart, valueEnd),
    ]),
  );
  expect(found).toEqual([
    ['"a"', "1"],
    ['"b"', '{"c":[2,{"d":3}]}'],
    ['"\\u0061"', '"x"'],
    ['"e"', "{}"],
    ['"f"', "[]"],
  ]);
});
