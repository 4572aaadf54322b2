import {
  bindingRequest,
  invokeRequest,
  plainKey,
  publishRequest,
  readRequest,
  saveRequest,
} from "./requests.ts";

test("publish: a topic may have slashes, and the data goes as it is", () => {
  expect(
    publishRequest({
      pubsub: "pub sub",
      topic: "a/b?c",
      contentType: "text/plain",
      data: "{x",
    }),
  ).toEqual({
    method: "POST",
    path: "/v1.0/publish/pub%20sub/a/b%3Fc",
    contentType: "text/plain",
    body: "{x",
  });
});

test("invoke: the method may have a query; GET has no body", () => {
  const typed = { target: "nodeapp", method: "/order?x=ü", data: "{}" };
  expect(invokeRequest({ ...typed, verb: "POST" })).toEqual({
    method: "POST",
    path: "/v1.0/invoke/nodeapp/method/order?x=%C3%BC",
    contentType: "application/json",
    body: "{}",
  });
  expect(invokeRequest({ ...typed, verb: "GET" })).toEqual({
    method: "GET",
    path: "/v1.0/invoke/nodeapp/method/order?x=%C3%BC",
  });
});

test.each([
  ["x y?z=1", "x%20y?z=1"],
  ["?z=1", "?z=1"],
  ["a?b='c' d&e={\"f\"}", "a?b=%27c%27%20d&e={%22f%22}"],
  ["a%2Fb<c>", "a%2Fb%3Cc%3E"],
  ["a\\..\\b", "a%5C..%5Cb"],
  ["//a//b", "a//b"],
  ["a..b/...", "a..b/..."],
  ["v1.0/shutdown", "v1.0/shutdown"],
])("the method %s goes as %s", (method, sent) => {
  const request = invokeRequest({
    target: "a",
    verb: "GET",
    method,
    data: "",
  });
  expect(request.path).toBe(`/v1.0/invoke/a/method/${sent}`);
});

test.each([
  ["x y?z=1#q", "write %23"],
  ["../../v1.0/shutdown", "can't have . or .."],
  ["a/%2E./b", "can't have . or .."],
  ["./a", "can't have . or .."],
])("the method %s is told to be none", (method, why) => {
  const typed = { target: "a", verb: "POST", method, data: "" };
  expect(() => invokeRequest(typed)).toThrow(`"${method}" is no method: `);
  expect(() => invokeRequest(typed)).toThrow(why);
  expect(() => invokeRequest(typed)).toThrow("such as neworder or");
});

test.each(["http://127.0.0.1:3501", "a/b", "..", "", "a%2Fb"])(
  "%j can't be called",
  (target) => {
    const typed = { target, verb: "POST", method: "x", data: "" };
    expect(() => invokeRequest(typed)).toThrow("can't be called: give the ID");
  },
);

test("a topic, a store and a key can't be dots", () => {
  const typed = { pubsub: "p", contentType: "a/b", data: "" };
  for (const topic of ["..", "a/../b", "."])
    expect(() => publishRequest({ ...typed, topic })).toThrow(
      "can't be a name",
    );
  expect(() => readRequest("s", "..")).toThrow("can't be a name");
});

test.each([
  ['{"n": 12345678901234567890}', '{"n": 12345678901234567890}'],
  ["plain text", '"plain text"'],
  ["", '""'],
])("save: %j", (value, sent) => {
  expect(saveRequest({ store: "s", key: 'a"b', value })).toEqual({
    method: "POST",
    path: "/v1.0/state/s",
    contentType: "application/json",
    body: `[{"key":"a\\"b","value":${sent}}]`,
  });
});

test("a key is one segment of the path", () => {
  expect(readRequest("s", "a/b c")).toEqual({
    method: "GET",
    path: "/v1.0/state/s/a%2Fb%20c",
  });
});

test("bindings", () => {
  const typed = {
    binding: "b",
    operation: "create",
    data: '{"a":1}',
    metadata: "",
  };
  expect(bindingRequest(typed).body).toBe(
    '{"operation":"create","data":{"a":1}}',
  );
  expect(
    bindingRequest({ ...typed, data: "", metadata: '{"key":"1"}' }).body,
  ).toBe('{"operation":"create","metadata":{"key":"1"}}');
  for (const metadata of ["x", "[1]", "null"])
    expect(() => bindingRequest({ ...typed, metadata })).toThrow(
      "Metadata has to be a JSON object",
    );
});

test.each([
  ["app||key", "key"],
  ["key", "key"],
  ["namespace.app||a|b", "a|b"],
])("the store's key %s is %s for the API", (stored, key) => {
  expect(plainKey(stored)).toBe(key);
});
