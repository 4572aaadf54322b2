import { parseOptions } from "./options.ts";

test("names of scenarios and names of backends each narrow their own list", () => {
  const { scenarios, backends } = parseOptions(["output,kafka"]);
  expect(scenarios).toEqual(["output"]);
  expect(backends).toEqual(["kafka"]);
  expect(parseOptions(["sqlite"]).scenarios).toContain("latency");
  expect(parseOptions(["get"]).backends).toEqual([
    "state-redis",
    "state-sqlite",
  ]);
});

test("a cluster is used only when it is named", () => {
  expect(parseOptions([]).backends).not.toContain("kubernetes");
  expect(parseOptions(["start"]).backends).not.toContain("kubernetes");
  for (const name of ["kubernetes", "pod-start"])
    expect(parseOptions([name]).backends).toEqual(["kubernetes"]);
});

test("an impossible choice is refused, and the error says what is possible", () => {
  expect(() => parseOptions(["outptu"])).toThrow(/it takes kafka, sqlite/);
  expect(() => parseOptions(["kafka,save"])).toThrow(/none of these/);
  expect(() => parseOptions(["--rounds", "0"])).toThrow(/--rounds 0/);
  expect(() => parseOptions(["--skip-own"])).toThrow(/name a --sidecar/);
});

test("an option that npm kept for itself is an error that shows the right command", () => {
  expect(() => parseOptions(["3"], { npm_config_seconds: "true" })).toThrow(
    "type `npm run bench -- --seconds 3`",
  );
});
