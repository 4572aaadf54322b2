import { createPathLabel } from "./http-path.ts";

const label = () =>
  createPathLabel({
    increasedCardinality: true,
    pathMatching: [],
    excludeVerbs: false,
  });

const get = "/v1.0/state/:store/:key";

test("keys are left out, whichever store was asked before", () => {
  const of = label();
  for (const [path, expected] of [
    ["/v1.0/state/a/1", "/v1.0/state/a"],
    ["/v1.0/state/a/2", "/v1.0/state/a"],
    ["/v1.0/state/ab/1", "/v1.0/state/ab"],
    ["/v1.0/state/a/a/a", "/v1.0/state/a"],
    ["/v1.0/state/a", "/v1.0/state/a"],
  ] as const)
    expect(of(path, get)).toBe(expected);
  expect(of("/v1.0/secrets/v/k", "/v1.0/secrets/:store/:key")).toBe(
    "/v1.0/secrets/v",
  );
  expect(of("/v1.0/state/a", "/v1.0/state/:store")).toBe("/v1.0/state/a");
});

test("a route has a hundred values, those after them share one", () => {
  const of = label();
  const values = new Set<ReturnType<typeof of>>();
  for (let i = 0; i < 1000; i++) values.add(of(`/v1.0/state/${i}/k`, get));
  expect(values.size).toBe(101);
  expect(values).toContain("/v1.0/state/{store}");
  // One that has its place keeps it, and another route has places of its own.
  expect(of("/v1.0/state/7/k", get)).toBe("/v1.0/state/7");
  expect(of("/v1.0/state/new/k", get)).toBe("/v1.0/state/{store}");
  expect(of(`/v1.0/invoke/a/method/${"x".repeat(300)}`, undefined)).toBe(
    "other",
  );
  expect(of("/v1.0/invoke/a/method/b", undefined)).toBe(
    "/v1.0/invoke/a/method/b",
  );
});
