/** `dapr dashboard` while a page of another site, a rebound name or a broken program asks it. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { startDashboard, type TestDashboard } from "../support/dashboard.ts";
import { call } from "../support/http.ts";
import { workspace } from "../end-to-end/cli-process.ts";

const { dir, remove } = workspace();
const appId = `strangers-${process.pid}`;
let dashboard: TestDashboard;
let daprd: Daprd;

beforeAll(async () => {
  daprd = await startDaprd({
    appId,
    resources: {
      "store.yaml":
        "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: store }\nspec: { type: state.in-memory, version: v1 }\n",
    },
  });
  dashboard = await startDashboard(dir);
});

afterAll(async () => {
  await stopAll();
  await remove();
});

const save = {
  appId: "",
  method: "POST",
  path: "/v1.0/state/store",
  contentType: "application/json",
  body: '[{"key":"stolen","value":1}]',
};

afterEach(async () => {
  // Whatever was tried: nothing was saved, and the dashboard still answers its page.
  expect((await daprd.call("GET", "/v1.0/state/store/stolen")).status).toBe(
    204,
  );
  expect((await dashboard.get("/")).status).toBe(200);
});

test("behind a forwarded port its page works, and one of another port does not", async () => {
  const path = `/api/keys?app=${appId}&store=store`;
  const host = "localhost:1";
  const own = { host, origin: "http://localhost:1" };
  const { status } = await dashboard.get("/", { host });
  expect(status).toBe(200);
  expect((await dashboard.get(path, own)).status).not.toBe(403);
  const foreign = { host, origin: `http://localhost:${dashboard.port}` };
  expect((await dashboard.get(path, foreign)).status).toBe(403);
});

test("its own page may save: the other tests can fail", async () => {
  const own = { ...save, appId, body: '[{"key":"own","value":1}]' };
  const { status, text } = await dashboard.post("/api/call", own);
  expect({ status, text }).toEqual({
    status: 200,
    text: expect.stringContaining('"status":204'),
  });
  expect((await daprd.call("GET", "/v1.0/state/store/own")).text).toBe("1");
});

test.each([
  ["evil.example"],
  ["evil.example:PORT"],
  ["localhost.evil.example:PORT"],
  ["evil.localhost:PORT"],
  ["127.0.0.1.nip.io:PORT"],
  ["0.0.0.0:PORT"],
])("the name %j, turned to this machine, gets nothing", async (name) => {
  const host = name.replace("PORT", String(dashboard.port));
  for (const path of ["/", "/dashboard.js", "/api/events", "/api/keys"]) {
    const { status, text } = await dashboard.get(path, { host });
    expect(status).toBe(403);
    expect(text).not.toContain(appId);
  }
  const body = { ...save, appId };
  const origin = `http://${host}`;
  const { status } = await dashboard.post("/api/call", body, { host, origin });
  expect(status).toBe(403);
});

test.each([
  [{ origin: "https://evil.example" }, 403],
  [{ origin: "http://localhost:3000" }, 403],
  [{ origin: "null" }, 403],
  [{ "sec-fetch-site": "cross-site" }, 403],
  [{ "sec-fetch-site": "same-site" }, 403],
  [{ "x-dapr-dashboard": "" }, 403],
  [{ "content-type": "text/plain" }, 415],
  [{ "content-type": "application/x-www-form-urlencoded" }, 415],
  [{ "content-type": "text/plain; application/json" }, 415],
])("a page elsewhere that sends %j saves nothing", async (headers, status) => {
  const answer = await dashboard.post(
    "/api/call",
    { ...save, appId },
    headers as Record<string, string>,
  );
  expect(answer.status).toBe(status);
});

test("a page elsewhere reads nothing, and is not let in by a preflight", async () => {
  for (const path of ["/api/events", `/api/logs?app=${appId}`]) {
    const foreign = await dashboard.get(path, {
      origin: "https://evil.example",
    });
    expect(foreign.status).toBe(403);
    expect(
      (await dashboard.get(path, { "sec-fetch-site": "cross-site" })).status,
    ).toBe(403);
  }
  const preflight = await call(dashboard.port, "OPTIONS", "/api/call", {
    headers: {
      host: `localhost:${dashboard.port}`,
      origin: "https://evil.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "x-dapr-dashboard",
    },
  });
  expect(preflight.status).toBe(403);
  for (const name of Object.keys(preflight.headers))
    expect(name).not.toMatch(/^access-control-/);
});

test("every answer forbids frames, other sources and guesses of its type", async () => {
  for (const path of ["/", "/dashboard.css", "/api/none"]) {
    const { headers } = await dashboard.get(path);
    expect(headers["content-security-policy"]).toContain(
      "default-src 'none'; script-src 'self'",
    );
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-resource-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "referrer-policy": "no-referrer",
    });
  }
});

test.each([
  ["/v1.0/shutdown"],
  ["/v1.0/metadata/x"],
  ["/v1.0/state/../shutdown"],
  ["/v1.0/state/%2e%2e/%2e%2e/v1.0/shutdown"],
  ["/v1.0/state/x\\..\\..\\shutdown"],
  ["//evil.example/v1.0/state/x"],
  ["/dapr-kit/watch/events"],
  ["/v1.0/state/store HTTP/1.1\r\nx: y"],
  ["/v1.0/invoke/http://127.0.0.1:OWN/method/v1.0/shutdown"],
  ["/v1.0/invoke/http%3A%2F%2F127.0.0.1%3AOWN/method/v1.0/shutdown"],
])("the path %j is not called", async (path) => {
  const { status } = await dashboard.post("/api/call", {
    appId,
    method: "POST",
    path: path.replace("OWN", String(daprd.port)),
  });
  expect(status).toBe(400);
  expect((await daprd.call("GET", "/v1.0/healthz/outbound")).status).toBe(204);
});

test.each([
  ["", 400],
  ["{", 400],
  ["[]", 400],
  ["null", 400],
  ['"x"', 400],
  ["[".repeat(100_000), 400],
  [" ".repeat(1024 * 1024 + 1), 413],
])("a body that is none, %#, is refused", async (body, status) => {
  expect((await dashboard.post("/api/call", body)).status).toBe(status);
});

test.each([
  ["GET", "/../../etc/passwd"],
  ["GET", "/%2e%2e/package.json"],
  ["GET", "/dashboard.js/x"],
  ["GET", "//"],
  ["GET", "/api/call"],
  ["POST", "/api/events"],
  ["POST", "/"],
])("%s %s is not there", async (method, path) => {
  const { status } = await call(dashboard.port, method, path, {
    headers: {
      host: `localhost:${dashboard.port}`,
      origin: `http://localhost:${dashboard.port}`,
      "content-type": "application/json",
      "x-dapr-dashboard": "1",
    },
  });
  expect(status).toBe(404);
});
