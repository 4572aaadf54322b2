import { wrongCall } from "./call.ts";

const call = (more: Record<string, unknown>) =>
  wrongCall({
    appId: "a",
    method: "POST",
    path: "/v1.0/publish/pubsub/orders",
    ...more,
  });

test.each([
  "/v1.0/publish/pubsub/orders",
  "/v1.0/publish/pubsub/a/b%20c?metadata.ttlInSeconds=1",
  "/v1.0/invoke/nodeapp/method/neworder?x=1&y=%2F",
  "/v1.0/state/statestore",
  "/v1.0/state/statestore/a%2Fb",
  "/v1.0/bindings/sample-topic",
])("%s may be called", (path) => {
  expect(call({ path })).toBeUndefined();
});

test.each([
  "/v1.0/shutdown",
  "/v1.0/metadata/x",
  "/v1.0/secrets/store/key",
  "/v1.0/state/../secrets/store/key",
  "/v1.0/state/%2e%2e/secrets/store/key",
  "/v1.0/state/.%2E/shutdown",
  "/v1.0/publish/..",
  "/v1.0/state/./x",
  "/v1.0/state\\..\\shutdown",
  "/v1.0/state/a\\..\\..\\shutdown",
  "/v1.0/state//x",
  "/v1.0/state/",
  "/v1.0/state",
  "//evil.example/v1.0/state/x",
  "http://evil.example/v1.0/state/x",
  "/v1.0/state/x#y",
  "/v1.0/state/x y",
  "/v1.0/state/x\r\nhost: evil",
  "/v1.0/state/ü",
  "/dapr-kit/watch/events",
  "",
])("%j may not", (path) => {
  expect(call({ path })).toMatch(/^path has to be/);
});

test.each([
  [{ appId: 1 }, "appId"],
  [{ sidecar: 1 }, "sidecar"],
  [{ method: "CONNECT" }, "method"],
  [{ method: undefined }, "method"],
  [{ path: 1 }, "path"],
  [{ contentType: "a\r\nb: c" }, "contentType"],
  [{ contentType: 1 }, "contentType"],
  [{ body: {} }, "body"],
])("%j is told", (more, name) => {
  expect(call(more)).toMatch(new RegExp(`^${name} has to be`));
});

test.each([[null], ["x"], [1]])("%j is no request", (given) => {
  expect(wrongCall(given)).toMatch(/^The body has to be an object/);
});
