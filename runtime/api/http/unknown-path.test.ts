import type { Route } from "./request.ts";
import { createDescribeUnknown } from "./unknown-path.ts";

const nothing = () => ({ status: 204 });
const routes: Route[] = [
  ["POST", "/v1.0/bindings/:name", nothing],
  ["GET", "/v1.0/secrets/:store/:key", nothing],
  ["PUT", "/v1.0/publish/:pubsub/*topic", nothing],
];
const describeUnknown = createDescribeUnknown(routes);

test.each([
  ["/v1.0/binding/a", "/v1.0/bindings/a"],
  ["/v1.0/Bindings/a%2Fb", "/v1.0/bindings/a%2Fb"],
  ["/v2/bindings/a", "/v1.0/bindings/a"],
  ["/v1.0/publsh/p/a/b", "/v1.0/publish/p/a/b"],
  ["/v1.0/invoke/app/methd/x", "/v1.0/invoke/app/method/x"],
])("%s: did you mean %s?", (path, meant) => {
  expect(describeUnknown("GET", path)).toBe(
    `GET ${path} is not in this API; did you mean ${meant}?`,
  );
});

test.each(["/", "/orders", "/v1.0/bindings", "/v1.0/something/a"])(
  "%s is near nothing",
  (path) => {
    expect(describeUnknown("GET", path)).toBe(`GET ${path} is not in this API`);
  },
);

test("the verbs of a path are told", () => {
  expect(describeUnknown("GET", "/v1.0/bindings/a")).toBe(
    "GET /v1.0/bindings/a is not in this API: the path takes POST",
  );
});

test("a long path is not compared, nor repeated", () => {
  const text = describeUnknown("GET", `/v1.0/${"b".repeat(100_000)}/a`);
  expect(text.length).toBeLessThan(300);
});
