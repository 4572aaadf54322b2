import { nearest } from "../shared/nearest-name.ts";
import { checkRequired, parseArgs } from "./parse.ts";
import { UsageError } from "./command.ts";
import type { FlagTable } from "./command.ts";
import { runFlags } from "./run/run-flags.ts";

const table = {
  name: { type: "string", short: "n", about: "", env: "TEST_NAME" },
  port: { type: "int", short: "p", default: -1, about: "" },
  loud: { type: "bool", short: "l", about: "" },
  quick: { type: "bool", short: "q", about: "" },
  path: { type: "list", about: "" },
  old: {
    type: "int",
    about: "",
    aliasOf: "port",
    deprecated: 'Use "port" flag instead',
  },
} as const satisfies FlagTable;

const parse = (...args: string[]) => parseArgs(table, args, {});

test.each([
  [["--name", "a", "--port", "3"]],
  [["--name=a", "--port=3"]],
  [["-n", "a", "-p", "3"]],
  [["-na", "-p3"]],
  [["-n=a", "-p=3"]],
])("%j", (args) => {
  expect(parse(...args).values).toMatchObject({
    name: "a",
    port: 3,
    loud: false,
  });
});

test("defaults, and the environment where a flag names one", () => {
  expect(parse().values).toEqual({
    name: "",
    port: -1,
    loud: false,
    quick: false,
    path: [],
  });
  expect(parseArgs(table, [], { TEST_NAME: "env" }).values["name"]).toBe("env");
  expect(
    parseArgs(table, ["-n", "flag"], { TEST_NAME: "env" }).values["name"],
  ).toBe("flag");
});

test("switches: joined, and with a value", () => {
  expect(parse("-lq").values).toMatchObject({ loud: true, quick: true });
  expect(parse("-lp3").values).toMatchObject({ loud: true, port: 3 });
  expect(parse("--loud=false").values["loud"]).toBe(false);
  expect(parse("--loud", "x").words).toEqual(["x"]);
});

test("flags and words interleave up to --", () => {
  const { values, words } = parse(
    "node",
    "-p",
    "1",
    "app.js",
    "--",
    "-n",
    "x",
    "--",
  );
  expect(words).toEqual(["node", "app.js", "-n", "x", "--"]);
  expect(values).toMatchObject({ port: 1, name: "" });
});

test("lists repeat and split at commas", () => {
  expect(parse("--path", "a,b", "--path", "c").values["path"]).toEqual([
    "a",
    "b",
    "c",
  ]);
});

test("a negative number is a value, a lone dash a word", () => {
  expect(parse("--port", "-1", "-").values["port"]).toBe(-1);
  expect(parse("-").words).toEqual(["-"]);
});

test("an old spelling fills the new flag and says so", () => {
  const { values, given, notices } = parse("--old", "5");
  expect(values["port"]).toBe(5);
  expect(given.has("port")).toBe(true);
  expect(notices).toEqual([
    'Flag --old has been deprecated, Use "port" flag instead',
  ]);
});

test.each([
  [["--strange"], "unknown flag: --strange"],
  [["--prot"], "unknown flag: --prot\n\nDid you mean --port?"],
  [["--toString"], "unknown flag: --toString"],
  [["-x"], "unknown shorthand flag: 'x' in -x"],
  [["-lxy"], "unknown shorthand flag: 'x' in -xy"],
  [["--name"], "flag needs an argument: --name"],
  [["-n"], "flag needs an argument: 'n' in -n"],
  [
    ["-p", "x"],
    'invalid argument "x" for "-p, --port" flag: parsing "x": not a whole number',
  ],
  [
    ["--loud=maybe"],
    'invalid argument "maybe" for "-l, --loud" flag: parsing "maybe": not true or false',
  ],
])("%j is an error", (args, message) => {
  expect(() => parse(...args)).toThrow(new UsageError(message));
});

test("required flags are named together", () => {
  const required = {
    a: { type: "string", about: "", required: true },
    b: { type: "string", about: "", required: true },
    c: { type: "string", about: "" },
  } as const satisfies FlagTable;
  expect(() => checkRequired(required, new Set())).toThrow(
    'required flag(s) "a", "b" not set',
  );
  expect(() => checkRequired(required, new Set(["a", "b"]))).not.toThrow();
});

test("nearest takes the closest within two edits", () => {
  expect(nearest("lst", ["stop", "list"])).toBe("list");
  expect(nearest("whatever", ["stop", "list"])).toBeUndefined();
});

test("the flags of `dapr run` have one letter each, and old spellings point at real flags", () => {
  const flags = Object.values(runFlags as FlagTable);
  const letters = flags.flatMap(({ short }) => short ?? []);
  expect(new Set(letters).size).toBe(letters.length);
  for (const { aliasOf } of flags)
    if (aliasOf) expect(Object.keys(runFlags)).toContain(aliasOf);
});

test("`bash -c cmd` gives cmd to --config, as in the original", () => {
  const { values, words } = parseArgs(runFlags, ["bash", "-c", "cmd"], {});
  expect(words).toEqual(["bash"]);
  expect(values["config"]).toBe("cmd");
});
