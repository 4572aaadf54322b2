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

test("the webhook takes only true, in any case", () => {
  expect(wantsSidecar(annotated({ enabled: "True" }))).toBe(true);
  for (const value of ["yes", "1", "false", ""])
    expect(wantsSidecar(annotated({ enabled: value }))).toBe(false);
  expect(wantsSidecar(undefined)).toBe(false);
});

test("an app id is a DNS label that leaves room for -dapr", () => {
  expect(appIdProblem("orders-2")).toBeUndefined();
  expect(appIdProblem("x".repeat(58))).toBeUndefined();
  for (const bad of ["a.b", "Orders", "-a", "a-", "x".repeat(59), "a_b"])
    expect(appIdProblem(bad)).toContain(`"${bad}" can't be an app id`);
  expect(appIdProblem("")).toContain("missing or empty");
});
