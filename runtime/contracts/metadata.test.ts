import {
  bool,
  duration,
  durationMs,
  list,
  MetadataError,
  number,
  orNegative,
  parseMetadata,
  text,
} from "./metadata.ts";
import { parseDurationMs, parseQuantity } from "../shared/units.ts";

const table = {
  brokers: list("Brokers", { required: true }),
  topics: list("Topics", { default: [] }),
  retry: bool("Retry", { default: true }),
  pause: duration("Pause", { default: 5000 }),
  password: text("Password", { secret: true }),
};

const at = { file: "components/kafka.yaml", line: 12, column: 5 };

test("reads items by the table, keys in any case, unknown keys pass", () => {
  const meta = parseMetadata(table, [
    { name: "BROKERS", value: "a:1,b:2" },
    { name: "retry", value: "no" },
    { name: "pause", value: "1m30s" },
    { name: "somethingElse", value: "x" },
  ]);
  expect(meta).toEqual({
    brokers: ["a:1", "b:2"],
    topics: [],
    retry: false,
    pause: 90_000,
    password: undefined,
  });
});

test("a missing required property names a misspelt neighbour and its line", () => {
  const read = () =>
    parseMetadata(table, [{ name: "broker", value: "a:1", at }]);
  expect(read).toThrow(MetadataError);
  expect(read).toThrow(
    "missing 'brokers' attribute (did you mean 'brokers' where it says 'broker'?)",
  );
});

test("two keys that differ only by case are an error", () => {
  expect(() =>
    parseMetadata(table, [
      { name: "brokers", value: "a" },
      { name: "Brokers", value: "b" },
    ]),
  ).toThrow("key brokers is duplicate in the metadata");
});

test("durations are Go's, a bare number counts in the given unit", () => {
  expect(parseDurationMs("500ms", 1000)).toBe(500);
  expect(parseDurationMs("3", 1000)).toBe(3000);
  expect(parseDurationMs("3", 1)).toBe(3);
  expect(parseDurationMs("1h2m3.5s", 1)).toBe(3_723_500);
  // Micro and the Greek letter look alike.
  expect(parseDurationMs("5000\u00b5s", 1)).toBe(5);
  expect(parseDurationMs("5000\u03bcs", 1)).toBe(5);
  expect(() => parseDurationMs("soon", 1)).toThrow("is not a duration");
});

test("sizes are Kubernetes quantities", () => {
  expect(parseQuantity("4Mi")).toBe(4 * 1024 * 1024);
  expect(parseQuantity("1G")).toBe(1e9);
  expect(() => parseQuantity("100MB")).toThrow("is not a size");
});

test.each([
  ["duration", duration("Pause")],
  ["durationMs", durationMs("Pause")],
  ["number", number("Many", { default: 3 })],
])("a negative %s is an error that names its line", (_kind, one) => {
  const read = (value: string) =>
    parseMetadata({ one }, [{ name: "one", value, at }]);
  for (const value of ["-5", "-0.5"]) {
    let told: unknown;
    try {
      read(value);
    } catch (error) {
      told = error;
    }
    expect(told).toMatchObject({
      at,
      message: `metadata 'one': "${value}" is too small: 0 or more, or leave it out for its default`,
    });
  }
  expect(read("0")).toEqual({ one: 0 });
});

test("a negative value passes where it has a meaning", () => {
  const retries = number("Tries; -1: no end", { least: orNegative });
  expect(
    parseMetadata({ retries }, [{ name: "retries", value: "-1" }]),
  ).toEqual({ retries: -1 });
});
