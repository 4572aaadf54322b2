/** A web page of another site, also under a DNS name rebound to this machine, gets nothing. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { order } from "../support/embedded.ts";
import { call } from "../support/http.ts";
import { closeApps, type RecordingApp } from "../support/recording-app.ts";
import { startOrders } from "../support/orders-sidecar.ts";
import { waitFor } from "../wait-for.ts";

let sidecar: Daprd;
let app: RecordingApp;
beforeAll(async () => {
  ({ app, sidecar } = await startOrders());
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});

const post = (headers: Record<string, string | string[]>) =>
  sidecar.call("POST", "/v1.0/bindings/orders", {
    headers,
    body: order("attack"),
  });

test.each<Record<string, string>>([
  { host: "evil.com" },
  { host: "evil.com:3500" },
  { host: "localhost.evil.com" },
  { host: "127.0.0.1.evil.com" },
  { host: "127.evil.com" },
  { host: "evil.com:80:90" },
  { host: "localhost@evil.com" },
  { host: "notlocalhost" },
  { origin: "https://evil.com" },
  { origin: "null" },
  { origin: "http://localhost.evil.com" },
  { origin: "http://127.evil.com" },
  { origin: "http://127.0.0.1.evil.com" },
  { origin: "file://" },
  { origin: "chrome-extension://abc" },
  { origin: "https://evil.com", "content-type": "text/plain" },
  { "sec-fetch-site": "cross-site" },
  {
    referer: "https://evil.com/form",
    "content-type": "application/x-www-form-urlencoded",
  },
  {
    referer: "https://evil.com/form",
    "content-type": "text/plain;charset=utf-8",
  },
  {
    referer: "https://evil.com/form",
    "content-type": "multipart/form-data; boundary=x",
  },
])("%j is refused with 403", async (headers) => {
  const reply = await post(headers);
  expect(reply.status).toBe(403);
  expect(reply.headers["content-type"]).toMatch(/^text\/plain/);
  expect(reply.text).toMatch(/DAPR_ALLOWED_HOSTS|--allowed-origins/);
  expect(reply.headers["access-control-allow-origin"]).toBeUndefined();
});

test("none of them reached the app", async () => {
  await sidecar.call("POST", "/v1.0/bindings/orders", {
    body: order("honest"),
  });
  await waitFor("the honest order", () => app.posts()[0]);
  expect(app.posts().map(({ body }) => body)).toEqual(['"honest"']);
});

test.each<Record<string, string>>([
  { host: "localhost:3500" },
  { host: "LOCALHOST" },
  { host: "api.localhost" },
  { host: "127.0.0.1" },
  { host: "[::1]:3500" },
  { host: "192.168.1.7:3500" },
  { origin: "http://localhost:3000" },
  { origin: "http://127.0.0.1" },
  { origin: "http://[::1]:8080" },
  { "sec-fetch-site": "same-origin" },
  { "content-type": "text/plain" },
])("%j is served", async (headers) => {
  const reply = await sidecar.call("GET", "/v1.0/metadata", { headers });
  expect(reply.status).toBe(200);
});

test("a CORS preflight gets no permission", async () => {
  const reply = await sidecar.call("OPTIONS", "/v1.0/bindings/orders", {
    headers: {
      origin: "https://evil.com",
      "access-control-request-method": "POST",
    },
  });
  expect(reply.status).toBe(403);
  expect(reply.headers["access-control-allow-origin"]).toBeUndefined();
});

test('--allowed-origins "*" allows every page, as the original does', async () => {
  const open = await startDaprd({ args: ["--allowed-origins", "*"] });
  const headers = {
    origin: "https://any.example",
    "sec-fetch-site": "cross-site",
  };
  expect(
    (await call(open.port, "GET", "/v1.0/metadata", { headers })).status,
  ).toBe(200);
});
