/** Output bindings over HTTP (docs/protocol/bindings.md), on the embedded broker. The app reads back what was stored. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import {
  closeApps,
  startApp,
  type RecordingApp,
} from "../support/recording-app.ts";
import { waitFor } from "../wait-for.ts";

const path = "/v1.0/bindings/orders";
let app: RecordingApp;
let sidecar: Daprd;

beforeAll(async () => {
  app = await startApp();
  sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    resources: {
      "orders.yaml": embedded(),
      "in-only.yaml": embedded("in-only", { direction: "input" }),
    },
  });
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});

/** Sends a request that must be stored, and resolves with the message as the app got it. */
async function through(body: string, headers?: Record<string, string>) {
  const before = app.posts().length;
  const reply = await sidecar.call("POST", path, { body, headers });
  expect({ status: reply.status, text: reply.text }).toEqual({
    status: 204,
    text: "",
  });
  return waitFor("the delivery", () => app.posts()[before]);
}

const malformed = (message: RegExp | string) => ({
  errorCode: "ERR_MALFORMED_REQUEST",
  message:
    typeof message === "string" ? message : expect.stringMatching(message),
});
const failed = (message: string) => ({
  errorCode: "ERR_INVOKE_OUTPUT_BINDING",
  message,
});

test.each(["POST", "PUT"])(
  "%s stores the message and answers 204 without a body",
  async (method) => {
    const before = app.posts().length;
    const reply = await sidecar.call(method, path, { body: order({ n: 1 }) });
    expect(reply.status).toBe(204);
    expect(reply.text).toBe("");
    expect(reply.headers["content-type"]).toBeUndefined();
    await waitFor("the delivery", () => app.posts()[before]);
  },
);

test.each([
  [
    "keys sorted, <>& escaped",
    '{"b":"<&>","a":[1,2]}',
    '{"a":[1,2],"b":"\\u003c\\u0026\\u003e"}',
  ],
  ["a string keeps its quotes", '"text"', '"text"'],
  [
    "numbers stay as written",
    "[1.0,12345678901234567890,1e21,1E400,10.00]",
    "[1.0,12345678901234567890,1e21,1E400,10.00]",
  ],
  ["white space is removed", '{ "a" :\n [ ] }', '{"a":[]}'],
  ["null", "null", "null"],
  ["false", "false", "false"],
  ["unicode", '"\\u00e9漢😀"', '"é漢😀"'],
])("data is encoded again: %s", async (_, data, stored) => {
  const got = await through(`{"operation":"create","data":${data}}`);
  expect(got.body).toBe(stored);
  expect(got.headers["content-type"]).toBe("application/json");
});

test("absent data is stored as null", async () => {
  expect((await through('{"operation":"create"}')).body).toBe("null");
});

test.each([
  ["members in any case", '{"OPERATION":"create","Data":7}'],
  ["unknown members", '{"operation":"create","data":7,"x":{"y":[]}}'],
  [
    "the last of a name",
    '{"operation":"nope","operation":"create","data":6,"DATA":7}',
  ],
  [
    "what follows the first value is not read",
    '{"operation":"create","data":7} trailing',
  ],
  ["a null metadata", '{"operation":"create","data":7,"metadata":null}'],
])("the body is read as the original reads it: %s", async (_, body) => {
  expect((await through(body)).body).toBe("7");
});

test("the request's content type does not matter", async () => {
  const got = await through(order(7), { "content-type": "text/plain" });
  expect(got.body).toBe("7");
});

test("metadata and trace headers travel with the message", async () => {
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const got = await through(order(1, { Custom: "value" }), {
    traceparent: trace,
    tracestate: "a=b",
    baggage: "user=42;p=1,b=%20x",
  });
  expect(got.headers).toMatchObject({
    custom: "value",
    traceparent: trace,
    tracestate: "a=b",
    baggage: "user=42;p=1,b=%20x",
  });
});

test("trace headers are echoed unchanged; query metadata is not read", async () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const before = app.posts().length;
  const reply = await sidecar.call("POST", `${path}?metadata.fromquery=1`, {
    body: order(1),
    headers: { traceparent, tracestate: "k=v" },
  });
  expect(reply.headers).toMatchObject({ traceparent, tracestate: "k=v" });
  const got = await waitFor("the delivery", () => app.posts()[before]);
  expect(got.headers["fromquery"]).toBeUndefined();
});

test.each([["nokey"], ['k=a b"c'], ["=v"], [Array(65).fill("a=b").join(",")]])(
  "a bad baggage header is refused: case %#",
  async (baggage) => {
    const before = app.posts().length;
    const reply = await sidecar.call("POST", path, {
      body: order(1),
      headers: { baggage },
    });
    expect(reply.status).toBe(400);
    expect(reply.json()).toEqual(malformed(/^invalid baggage header: /));
    expect(app.posts()).toHaveLength(before);
  },
);

test.each([
  ["nothing", "", "failed deserializing HTTP body: EOF"],
  ["white space", " \n", "failed deserializing HTTP body: EOF"],
  ["broken JSON", '{"operation":', /^failed deserializing HTTP body: ./],
  ["no JSON", "hello", /^failed deserializing HTTP body: ./],
  [
    "an array",
    "[]",
    "failed deserializing HTTP body: json: cannot unmarshal array into Go value of type http.OutputBindingRequest",
  ],
  [
    "a number as operation",
    '{"operation":1}',
    "failed deserializing HTTP body: json: cannot unmarshal number into Go struct field OutputBindingRequest.operation of type string",
  ],
  [
    "metadata that is no map",
    '{"operation":"create","metadata":[]}',
    /cannot unmarshal array into Go struct field OutputBindingRequest\.metadata/,
  ],
  [
    "a number in metadata",
    '{"operation":"create","metadata":{"a":1}}',
    /cannot unmarshal number into Go struct field OutputBindingRequest\.metadata of type string/,
  ],
  [
    "too deep",
    `{"operation":"create","data":${"[".repeat(20_000)}${"]".repeat(20_000)}}`,
    "failed deserializing HTTP body: exceeded max depth",
  ],
])("malformed: %s", async (_, body, message) => {
  const before = app.posts().length;
  const reply = await sidecar.call("POST", path, { body });
  expect(reply.status).toBe(400);
  expect(reply.headers["content-type"]).toMatch(/^application\/json/);
  expect(reply.json()).toEqual(malformed(message));
  expect(app.posts()).toHaveLength(before);
});

test.each([
  [
    "no operation",
    path,
    '{"data":1}',
    "error invoking output binding orders: operation field is missing from request",
  ],
  [
    "null",
    path,
    "null",
    "error invoking output binding orders: operation field is missing from request",
  ],
  [
    "an operation it lacks",
    path,
    '{"operation":"delete"}',
    "error invoking output binding orders: binding orders does not support operation delete. supported operations:create",
  ],
  [
    "operations are case-sensitive",
    path,
    '{"operation":"Create"}',
    "error invoking output binding orders: binding orders does not support operation Create. supported operations:create",
  ],
  [
    "an unknown binding",
    "/v1.0/bindings/other",
    order(1),
    "error invoking output binding other: couldn't find output binding other",
  ],
  [
    "names are case-sensitive",
    "/v1.0/bindings/Orders",
    order(1),
    "error invoking output binding Orders: couldn't find output binding Orders",
  ],
  [
    "an input only",
    "/v1.0/bindings/in-only",
    order(1),
    "error invoking output binding in-only: couldn't find output binding in-only",
  ],
  [
    "what the broker refuses",
    path,
    order(1, { partitionNumber: "99" }),
    expect.stringMatching(/^error invoking output binding orders: .*99/),
  ],
])("500 ERR_INVOKE_OUTPUT_BINDING: %s", async (_, target, body, message) => {
  const reply = await sidecar.call("POST", target, { body });
  expect(reply.status).toBe(500);
  expect(reply.json()).toEqual(failed(message as string));
});

test.each([
  ["//v1.0//bindings/orders/"],
  ["/v1.0/./bindings/x/../orders"],
  ["/v1.0/bindings/order%73"],
])("%s leads to the binding too", async (target) => {
  const reply = await sidecar.call("POST", target, { body: order(1) });
  expect(reply.status).toBe(204);
});

test.each([
  ["/v1.0/bindings/a%2Fb", "a/b"],
  ["/v1.0/bindings/a+b", "a b"],
  ["/v1.0/bindings/a%2Bb", "a+b"],
  ["/v1.0/bindings/%E6%BC%A2", "漢"],
])("a name is unescaped once: %s", async (target, name) => {
  const reply = await sidecar.call("POST", target, { body: order(1) });
  expect(reply.json()).toEqual(
    failed(
      `error invoking output binding ${name}: couldn't find output binding ${name}`,
    ),
  );
});

test("a broken escape is answered with 400 in plain text", async () => {
  const reply = await sidecar.call("POST", "/v1.0/bindings/a%zz", {
    body: order(1),
  });
  expect(reply.status).toBe(400);
  expect(reply.headers["content-type"]).toMatch(/^text\/plain/);
  expect(reply.text).toBe(
    'failed to unescape request parameter "name". Error: invalid URL escape "%zz"',
  );
});

test.each([
  ["GET", path],
  ["DELETE", path],
  ["PATCH", path],
  ["OPTIONS", path],
  ["POST", "/v1.0/bindings"],
  ["POST", "/v1.0/bindings/orders/more"],
  ["POST", "/v1.1/bindings/orders"],
  ["POST", "/V1.0/bindings/orders"],
  ["GET", "/"],
])(
  "%s %s goes to service invocation, and is not answered with 405",
  async (method, target) => {
    const reply = await sidecar.call(method, target);
    expect(reply.status).toBe(404);
    expect(reply.json()).toEqual({
      errorCode: "ERR_DIRECT_INVOKE",
      message: expect.stringContaining(
        `${method} ${target} is not in this API`,
      ),
    });
  },
);

test("the error of a service invocation names its target", async () => {
  const reply = await sidecar.call("POST", "/v1.0/invoke/other/method/x", {
    body: "{}",
  });
  expect(reply.status).toBe(500);
  expect(reply.json()).toMatchObject({
    errorCode: "ERR_DIRECT_INVOKE",
    message: expect.stringMatching(/^failed to invoke, id: other, err: /),
  });
});

test("a body over the limit gets 400 stream too large, and one at the limit is taken", async () => {
  const max = 4 * 1024 * 1024;
  const body = (size: number) => {
    const empty = order("");
    return order("x".repeat(size - empty.length));
  };
  expect((await sidecar.call("POST", path, { body: body(max) })).status).toBe(
    204,
  );
  const framings: Record<string, string>[] = [
    {},
    { "transfer-encoding": "chunked" },
  ];
  for (const headers of framings) {
    const reply = await sidecar.call("POST", path, {
      body: body(max + 1),
      headers,
    });
    expect(reply.status).toBe(400);
    expect(reply.json()).toEqual(
      malformed("failed deserializing HTTP body: stream too large"),
    );
  }
});

test("headers over 8 KiB get 431, and smaller ones pass", async () => {
  const ask = (size: number) =>
    sidecar.call("POST", path, {
      body: order(1),
      headers: { "x-long": "a".repeat(size) },
    });
  expect((await ask(7000)).status).toBe(204);
  expect((await ask(9000)).status).toBe(431);
});
