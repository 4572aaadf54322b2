/** Malicious JSON is refused or stored as it came. It changes no prototype, and others are served meanwhile. */
import { stopAll, type Daprd } from "../support/daprd.ts";
import { order } from "../support/embedded.ts";
import { closeApps, type RecordingApp } from "../support/recording-app.ts";
import { startOrders } from "../support/orders-sidecar.ts";
import { besideHealth, stallLimitMs } from "../support/stall.ts";
import { waitFor } from "../wait-for.ts";

const path = "/v1.0/bindings/orders";
let sidecar: Daprd;
let app: RecordingApp;
beforeAll(async () => {
  ({ app, sidecar } = await startOrders());
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});

const body = (data: string) => `{"operation":"create","data":${data}}`;
const members = (count: number, member: (i: number) => string) =>
  `{${Array.from({ length: count }, (_, i) => member(i)).join(",")}}`;

async function attack(text: string) {
  const send = () => sidecar.call("POST", path, { body: text });
  const { result: reply, stallMs } = await besideHealth(sidecar, send);
  return { reply, stallMs };
}

test.each([
  ["200,000 levels of arrays", body("[".repeat(200_000) + "]".repeat(200_000))],
  ["200,000 levels, never closed", body("[".repeat(200_000))],
  ["2,000,000 levels", body("[".repeat(2_000_000))],
  [
    "200,000 levels of objects",
    body('{"a":'.repeat(200_000) + "1" + "}".repeat(200_000)),
  ],
  ["10,001 levels", body("[".repeat(10_000) + "]".repeat(10_000))],
])("%s are refused as too deep", async (_, text) => {
  const { reply, stallMs } = await attack(text);
  expect(reply.status).toBe(400);
  expect(reply.json()).toEqual({
    errorCode: "ERR_MALFORMED_REQUEST",
    message: "failed deserializing HTTP body: exceeded max depth",
  });
  expect(stallMs).toBeLessThan(stallLimitMs);
});

test("300,000 entries of metadata are refused", async () => {
  const { reply, stallMs } = await attack(
    `{"operation":"create","metadata":${members(300_000, (i) => `"m${i}":""`)}}`,
  );
  expect(reply.status).toBe(400);
  expect(reply.json()).toMatchObject({
    message:
      "failed deserializing HTTP body: metadata has more than 10000 entries",
  });
  expect(stallMs).toBeLessThan(stallLimitMs);
});

test.each([
  ["a string of 4 MB", JSON.stringify("x".repeat(4_000_000))],
  ["350,000 keys", members(350_000, (i) => `"${i.toString(36)}":0`)],
  ["600,000 times one key", members(600_000, () => '"a":0')],
  ["2,000,000 numbers", `[${"0,".repeat(1_900_000)}0]`],
  ["a syntax error at its very end", `[${"0,".repeat(1_900_000)}0`],
])("an order with %s does not hold up other requests", async (_, data) => {
  const { reply, stallMs } = await attack(body(data));
  expect(reply.status).toBe(data.endsWith("0") ? 400 : 204);
  expect(stallMs).toBeLessThan(stallLimitMs);
});

test("keys such as __proto__ are stored as they came", async () => {
  const last = () => app.posts().at(-1)?.body;
  const data =
    '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}';
  const reply = await sidecar.call("POST", path, {
    body: `{"__proto__":{"operation":"delete"},"operation":"create","data":${data},"metadata":{"__proto__":"x","constructor":"y"}}`,
  });
  expect(reply.status).toBe(204);
  await waitFor("the delivery", () => last() === data);
  const { headers } = app.posts().at(-1)!;
  expect(headers["constructor"]).toBe("y");
  expect(headers["isadmin"]).toBeUndefined();
  const plain = await sidecar.call("POST", path, { body: order({}) });
  expect(plain.status).toBe(204);
  await waitFor("the plain order", () => last() === "{}");
  const metadata = await sidecar.call("GET", "/v1.0/metadata");
  expect(metadata.text).not.toContain("isAdmin");
});
