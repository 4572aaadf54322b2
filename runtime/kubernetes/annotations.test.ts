import { appIdProblem, readAnnotations, wantsSidecar } from "./annotations.ts";

const annotated = (entries: Record<string, string>) => ({
  annotations: Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [`dapr.io/${key}`, value]),
  ),
});

test("a present key overrides the default, even an empty one", () => {
  const a = readAnnotations(annotated({ "log-level": "", "log-as-json": "" }));
  expect(a.text("log-level")).toBe("");
  expect(a.text("app-protocol")).toBeUndefined();
  expect(a.truthy("log-as-json", true)).toBe(false);
  expect(a.truthy("enable-metrics", true)).toBe(true);
});

test.each(["y", "Yes", "TRUE", "t", "on", "1"])("%s is a yes", (value) => {
  const a = readAnnotations(annotated({ "enable-metrics": value }));
  expect(a.truthy("enable-metrics", false)).toBe(true);
});

test("a number that is none is passed over with a warning", () => {
  const warnings: string[] = [];
  const a = readAnnotations(annotated({ "app-port": "3000x" }), (warning) =>
    warnings.push(warning),
  );
  expect(a.number("app-port", 0)).toBe(0);
  expect(warnings).toEqual([
    'annotation dapr.io/app-port: "3000x" is not a whole number; ignored',
  ]);
});

test.each([
  ["2147483647", 2147483647],
  ["-2147483648", -2147483648],
  ["+7", 7],
  ["2147483648", undefined],
  ["9".repeat(400), undefined],
])("a number has 32 bits: %s", (value, number) => {
  const warnings: string[] = [];
  const a = readAnnotations(annotated({ n: value }), (warning) =>
    warnings.push(warning),
  );
  expect(a.optionalNumber("n")).toBe(number);
  expect(warnings).toEqual(
    number === undefined
      ? [`annotation dapr.io/n: "${value}" is out of range; ignored`]
      : [],
  );
});

test("a port is one of 1 to 65535", () => {
  const warnings: string[] = [];
  const portOf = (value: string, fallback: number) =>
    readAnnotations(annotated({ p: value }), (warning) =>
      warnings.push(warning),
    ).port("p", fallback);
  expect(portOf("65535", 1)).toBe(65535);
  expect(portOf("0", 0)).toBe(0);
  expect(warnings).toEqual([]);
  for (const value of ["65536", "-1", "0"])
    expect(portOf(value, 9090)).toBe(9090);
  expect(warnings).toHaveLength(3);
  expect(warnings[0]).toBe(
    'annotation dapr.io/p: "65536" is not a port (1-65535); ignored',
  );
});

test("the webhook takes only true, in any case", () => {
  expect(wantsSidecar(annotated({ enabled: "True" }))).toBe(true);
  for (const value of ["yes", "1", "false", ""])
    expect(wantsSidecar(annotated({ enabled: value }))).toBe(false);
  expect(wantsSidecar(undefined)).toBe(false);
});

test("an app id is a DNS label that leaves room for -dapr", () => {
  expect(appIdProblem("orders-2")).toBeUndefined();
  expect(appIdProblem("x".repeat(58))).toBeUndefined();
  for (const bad of ["a.b", "Orders", "-a", "a-", "1a", "x".repeat(59), "a_b"])
    expect(appIdProblem(bad)).toContain(`"${bad}" can't be an app id`);
  expect(appIdProblem("")).toContain("missing or empty");
});
