/** Without the exact token nothing but the two health checks is served. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { rawCall } from "../support/http.ts";

const token = "correct-horse-battery";
const bindings = "/v1.0/bindings/orders";
let sidecar: Daprd;
beforeAll(async () => {
  sidecar = await startDaprd({
    env: { DAPR_API_TOKEN: token },
    resources: { "a.yaml": embedded() },
    until: "ready",
  });
});
afterAll(stopAll);

const refused = { status: 401, text: "invalid api token" };
const ask = async (
  method: string,
  path: string,
  headers: Record<string, string | string[]> = {},
) => {
  const { status, text } = await sidecar.call(method, path, {
    headers,
    body: method === "POST" ? order(1) : undefined,
  });
  return { status, text };
};

test("the right token is accepted, whatever the case of the header's name", async () => {
  expect(await ask("POST", bindings, { "Dapr-Api-Token": token })).toEqual({
    status: 204,
    text: "",
  });
});

test.each([
  ["absent", {}],
  ["empty", { "dapr-api-token": "" }],
  ["wrong", { "dapr-api-token": "x" }],
  ["a prefix", { "dapr-api-token": token.slice(0, -1) }],
  ["longer", { "dapr-api-token": `${token}x` }],
  ["in another case", { "dapr-api-token": token.toUpperCase() }],
  ["twice the same", { "dapr-api-token": [token, token] }],
  ["right, then wrong", { "dapr-api-token": [token, "x"] }],
  ["wrong, then right", { "dapr-api-token": ["x", token] }],
  ["a bearer token", { authorization: `Bearer ${token}` }],
])("a token that is %s is refused", async (_, headers) => {
  expect(
    await ask("POST", bindings, headers as Record<string, string | string[]>),
  ).toEqual(refused);
});

test.each([
  ["GET", "/v1.0/metadata"],
  ["PUT", "/v1.0/metadata/key"],
  ["POST", "/v1.0/shutdown"],
  ["GET", "/anything"],
  ["OPTIONS", bindings],
  ["POST", "/v1.0/healthz"],
  ["PUT", "/v1.0/healthz/outbound"],
  ["HEAD", "/v1.0/metadata"],
  ["GET", "/v1.0/healthz/x"],
  ["GET", "/v1.0/healthzz"],
  ["GET", "/v1.0/metadata?/v1.0/healthz"],
  ["POST", `${bindings}?x=/healthz`],
  ["GET", "/v1.0/invoke/healthz/method/healthz"],
  ["GET", `/v1.0/metadata?dapr-api-token=${token}`],
])("%s %s needs the token", async (method, path) => {
  expect(await ask(method, path)).toEqual(
    method === "HEAD" ? { status: 401, text: "" } : refused,
  );
});

test.each(["/v1.0/healthz", "/v1.0/healthz/outbound"])(
  "GET %s needs no token",
  async (path) => {
    expect((await ask("GET", path)).status).toBe(204);
  },
);

test("the body of a refused request is not read to its end", async () => {
  const { status } = await rawCall(
    sidecar.port,
    `POST ${bindings} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\nabc`,
  );
  expect(status).toBe(401);
});

test("neither the token nor a refused one is in the log", async () => {
  await ask("POST", bindings, { "dapr-api-token": "planted-wrong-token" });
  expect(sidecar.output()).not.toContain(token);
  expect(sidecar.output()).not.toContain("planted-wrong-token");
});
