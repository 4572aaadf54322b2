/** Paths that this version does not have: building blocks to come, and typing errors. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";

let sidecar: Daprd;
beforeAll(async () => {
  sidecar = await startDaprd();
});
afterAll(stopAll);

test.each([
  ...[
    "/v1.0/configuration/s?key=a",
    "/v1.0-alpha1/configuration/s/subscribe",
    "/v1.0/configuration/s/id/unsubscribe",
  ].map((path) => ["GET", path, 500, "ERR_CONFIGURATION_STORE_NOT_CONFIGURED"]),
  ["POST", "/v1.0-alpha1/lock/s", 500, "ERR_LOCK_STORE_NOT_CONFIGURED"],
  ["POST", "/v1.0-alpha1/unlock/s", 500, "ERR_LOCK_STORE_NOT_CONFIGURED"],
  ["POST", "/v1.0/actors/t/1/method/m", 400, "ERR_ACTOR_NO_PLACEMENT"],
  ["PUT", "/v1.0/actors/t/1/state", 400, "ERR_ACTOR_NO_PLACEMENT"],
  ["GET", "/v1.0/actors/t/1/state/k", 400, "ERR_ACTOR_NO_PLACEMENT"],
  ["POST", "/v1.0/actors/t/1/reminders/r", 400, "ERR_ACTOR_NO_PLACEMENT"],
  ["DELETE", "/v1.0/actors/t/1/timers/r", 400, "ERR_ACTOR_NO_PLACEMENT"],
  ["POST", "/v1.0-beta1/workflows/c/w/start", 400, "ERR_ACTOR_NO_PLACEMENT"],
  ["GET", "/v1.0/workflows/c/1", 400, "ERR_ACTOR_NO_PLACEMENT"],
  ["POST", "/v1.0/workflows/c/1/raiseEvent/e", 400, "ERR_ACTOR_NO_PLACEMENT"],
  [
    "PUT",
    "/v1.0-alpha1/crypto/c/encrypt",
    500,
    "ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED",
  ],
  ["POST", "/v1.0-alpha1/subtlecrypto/c/sign", 501, "ERR_API_UNIMPLEMENTED"],
  [
    "POST",
    "/v1.0-alpha2/conversation/c/converse",
    400,
    "ERR_CONVERSATION_NOT_FOUND",
  ],
  ["POST", "/v1.0-alpha1/jobs/j", 400, "DAPR_SCHEDULER_SCHEDULE_EMPTY"],
] as [string, string, number, string][])(
  "%s %s belongs to a block that is still to come: %i %s",
  async (method, path, status, errorCode) => {
    const reply = await sidecar.call(method, path, { body: "{}" });
    expect(reply.status).toBe(status);
    expect(reply.json()).toMatchObject({
      errorCode,
      message: expect.stringContaining("not in this version of the sidecar"),
    });
  },
);

test.each([
  ["POST", "/v1.0/binding/orders", "/v1.0/bindings/orders"],
  ["GET", "/v1.0/secret/vault/key", "/v1.0/secrets/vault/key"],
  ["GET", "/v1/metadata", "/v1.0/metadata"],
  ["POST", "/v1.0/state/s/query", "/v1.0-alpha1/state/s/query"],
  ["GET", "/v1.0/invok/app/method/a/b", "/v1.0/invoke/app/method/a/b"],
])("the error about %s %s suggests %s", async (method, path, wanted) => {
  const reply = await sidecar.call(method, path, { body: "{}" });
  expect(reply.status).toBe(404);
  expect(reply.json()).toMatchObject({
    errorCode: "ERR_DIRECT_INVOKE",
    message: expect.stringContaining(
      `${method} ${path} is not in this API; did you mean ${wanted}? To call an app`,
    ),
  });
});
