import { parseOptions } from "./options.ts";

test("--only narrows scenarios and backends apart", () => {
  const { scenarios, backends } = parseOptions(["--only", "output,kafka"]);
  expect(scenarios).toEqual(["output"]);
  expect(backends).toEqual(["kafka"]);
  expect(parseOptions(["--only", "sqlite"]).scenarios).toHaveLength(5);
});

test("what makes no sense is refused with what would", () => {
  expect(() => parseOptions(["--only", "outptu"])).toThrow(
    /it takes direct, start/,
  );
  expect(() => parseOptions(["--rounds", "0"])).toThrow(/--rounds 0/);
  expect(() => parseOptions(["--skip-own"])).toThrow(/name a --sidecar/);
});
