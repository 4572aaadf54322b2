import { missingDashes } from "./options.ts";

const options = {
  broker: { type: "string" },
  count: { type: "string" },
  prefix: { type: "string" },
  push: { type: "boolean" },
} as const;

// How npm 8 to 11 pass these command lines on.
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
  expect(missingDashes("demo:local", options, false, words, env)).toBe(
    `npm kept ${"push" in config ? "these options" : "this option"} for itself: type \`npm run demo:local -- ${right}\` (with \`--\` before the options).`,
  );
});

test("options after -- and what npm always sets are fine", () => {
  const env = { npm_config_prefix: "/usr", npm_config_loglevel: "notice" };
  const words = ["--broker", "kafka"];
  expect(
    missingDashes("demo:local", options, false, words, env),
  ).toBeUndefined();
});

test.each([
  ["hello-world --lang zh", ["hello-world", "zh"], { lang: "true" }],
  ["hello-world --lang=zh", ["hello-world"], { lang: "zh" }],
  [
    "hello-world --lang zh --stage redis",
    ["hello-world", "zh", "redis"],
    { lang: "true", stage: "true" },
  ],
])("npm run tutorial %s: the name stays in front", (line, words, config) => {
  const env = Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      `npm_config_${name}`,
      value,
    ]),
  );
  const tutorial = {
    lang: { type: "string" },
    stage: { type: "string" },
  } as const;
  expect(missingDashes("tutorial", tutorial, true, words, env)).toContain(
    `\`npm run tutorial -- ${line.replace("=", " ")}\``,
  );
});
