import { wrongCall } from "./call.ts";
import { invokeRequest } from "./page/forms/requests.ts";

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
  "/v1.0/invoke/nodeapp.production/method/a/b",
  "/v1.0/invoke/my%20app/method",
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
  "x y?z=1",
  "?z=1",
  `a?b='c' d&e={"f"}`,
  "a%2Fb<c>^|`",
  "a\\..\\b",
  "//a//b",
  "ü/…?ü",
  "v1.0/shutdown",
])("the method %j, as the form sends it, may be called", (method) => {
  const typed = { target: "my app", verb: "POST", method, data: "" };
  expect(call({ ...invokeRequest(typed) })).toBeUndefined();
});

test.each([
  "/v1.0/invoke/http://127.0.0.1:3501/method/v1.0/secrets/sec/dbpass",
  "/v1.0/invoke/HTTP://127.0.0.1:3501/method/x",
  "/v1.0/invoke/https:/evil.example/method/x",
  "/v1.0/invoke/http%3A%2F%2F127.0.0.1%3A3501/method/v1.0/secrets/sec/dbpass",
  "/v1.0/invoke/%68ttp%3a%2f%2fevil.example/method/x",
  "/v1.0/invoke/http%253A%252F%252Fevil.example/method/x",
  "/v1.0/invoke/http:%5C%5Cevil.example/method/x",
  "/v1.0/invoke/127.0.0.1:3501/method/x",
  "/v1.0/invoke/user@evil.example/method/x",
  "/v1.0/invoke/a/b/method/x",
  "/v1.0/invoke/%zz/method/x",
  "/v1.0/invoke/a",
])("%s calls no app", (path) => {
  expect(call({ path })).toMatch(/^path has to name an app/);
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
