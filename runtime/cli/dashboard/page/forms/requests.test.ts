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
