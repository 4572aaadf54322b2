/** A path has one canonical form, or is answered with 400. The guard judges the same path that the router serves. */
import { mainThreadMs } from "../support/cpu.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { rawCall } from "../support/http.ts";

let sidecar: Daprd;
beforeAll(async () => {
  sidecar = await startDaprd({
    env: { DAPR_API_TOKEN: "secret" },
    resources: { "a.yaml": embedded() },
  });
});
afterAll(stopAll);

const ask = (method: string, target: string, token = "secret") => {
  const body = order(1);
  return rawCall(
    sidecar.port,
    `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\ndapr-api-token: ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
};

test.each([
  "/v1.0/bindings/../bindings/orders",
  "//v1.0///bindings/./orders//",
  "/../../v1.0/bindings/orders",
  "/v1.0/bindings/%6frders",
  "http://localhost/v1.0/bindings/orders",
])("%s leads to the binding", async (target) => {
  expect((await ask("POST", target)).status).toBe(204);
});

test.each([
  ["/v1.0/bindings/..%2f..%2fmetadata", "../../metadata"],
  ["/v1.0/bindings/%2e%2e", ".."],
  ["/v1.0/bindings/%252e%252e", "%2e%2e"],
  ["/v1.0/bindings/%252Forders", "%2Forders"],
  ["/v1.0/bindings/orders%00", "orders\0"],
  ["/v1.0/bindings/orders%0d%0aX-Injected:%201", "orders\r\nX-Injected: 1"],
  ["/v1.0/bindings/orders%3Fa=b", "orders?a=b"],
  ["/v1.0/bindings/orders%23", "orders#"],
  ["/v1.0/bindings/ORDERS", "ORDERS"],
  ["/v1.0/bindings/orders;x=1", "orders;x=1"],
])("%s names no binding, and is decoded once", async (target, name) => {
  const { status, head, body } = await ask("POST", target);
  expect(status).toBe(500);
  expect(JSON.parse(body)).toEqual({
    errorCode: "ERR_INVOKE_OUTPUT_BINDING",
    message: `error invoking output binding ${name}: couldn't find output binding ${name}`,
  });
  expect(head).not.toMatch(/^x-injected/im);
});

test.each([
  "/v1.0/bindings/a/../../metadata/../bindings",
  "/v1.0%2fbindings%2forders",
  "/V1.0/BINDINGS/orders",
  "/%76%31.0/bindings/orders",
  "/v1.0/%62indings/orders",
  "/v1.0/bindings%2Forders",
  "/v1.0/shutdown#x",
  "/v1.0/shutdown;x",
])("%s is no route", async (target) => {
  const { status, body } = await ask("POST", target);
  expect(status).toBe(404);
  expect(JSON.parse(body)).toMatchObject({ errorCode: "ERR_DIRECT_INVOKE" });
});

test.each([
  "/v1.0/bindings/or\0ders",
  "/v1.0/bindings/or ders",
  "/v1.0/bindings/or\rders",
  "/v1.0/bindings/or\nders",
  "v1.0/bindings/orders",
])(
  "a control character or space in the request line is 400: %j",
  async (target) => {
    expect((await ask("POST", target)).status).toBe(400);
  },
);

test.each([
  "/v1.0/healthz/../metadata",
  "/v1.0/healthz/../../v1.0/metadata",
  "/v1.0/metadata?x=/v1.0/healthz",
  "/v1.0/healthz/outbound/../../metadata",
  "/v1.0/metadata/v1.0/healthz",
])(
  "%s is not exempt from the token: the served path decides",
  async (target) => {
    expect((await ask("GET", target, "wrong")).status).toBe(401);
  },
);

test("a path of thousands of dots and slashes costs next to no time", async () => {
  const before = mainThreadMs(sidecar.pid);
  const { status } = await ask(
    "POST",
    "/." + "/..".repeat(2000) + "/v1.0/bindings/orders",
  );
  expect(status).toBe(204);
  expect(mainThreadMs(sidecar.pid) - before).toBeLessThan(500);
});
