import { missingDashes } from "./options.ts";

const options = {
  broker: { type: "string" },
  count: { type: "string" },
  prefix: { type: "string" },
  push: { type: "boolean" },
} as const;

// What npm 8 to 11 make of the line.
test.each([
  ["--broker kafka", ["kafka"], { broker: "true" }, "--broker kafka"],
  ["--broker=kafka", [], { broker: "kafka" }, "--broker kafka"],
  [
    "--broker kafka --push x",
    ["kafka", "x"],
    { broker: "true", push: "true" },
    "--broker kafka --push x",
  ],
  ["--count", [], { count: "true" }, "--count VALUE"],
])("npm run demo:local %s", (_, words, config, right) => {
  const env = Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      `npm_config_${name}`,
      value,
    ]),
  );
  expect(missingDashes("demo:local", options, words, env)).toBe(
    `npm kept ${"push" in config ? "these options" : "this option"} for itself: type \`npm run demo:local -- ${right}\` (with \`--\` before the options).`,
  );
});

test("options behind -- and what npm always sets are fine", () => {
  const env = { npm_config_prefix: "/usr", npm_config_loglevel: "notice" };
  const words = ["--broker", "kafka"];
  expect(missingDashes("demo:local", options, words, env)).toBeUndefined();
});
