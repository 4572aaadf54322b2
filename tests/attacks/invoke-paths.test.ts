/** Paths of invoked methods: the app gets one canonical path, or nothing. No part of a path becomes a header, a query or another route. */
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { rawCall } from "../support/http.ts";
import {
  closeApps,
  startApp,
  type RecordingApp,
} from "../support/recording-app.ts";

let sidecar: Daprd;
let app: RecordingApp;
beforeAll(async () => {
  app = await startApp();
  sidecar = await startDaprd({ appPort: app.port, until: "ready" });
});
afterAll(async () => {
  await stopAll();
  await closeApps();
});
beforeEach(() => (app.requests.length = 0));

const ask = (target: string, header = "") =>
  rawCall(
    sidecar.port,
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${header}Content-Length: 0\r\n\r\n`,
  );

const paths: [method: string, atApp: string][] = [
  ["a/../b", "/b"],
  ["a/%2e%2e/b", "/b"],
  ["a/%2E%2E/%2e%2e/%2e%2e/b", "/b"],
  ["..%2f..%2fsecret", "/secret"],
  ["a%2f..%2fsecret", "/secret"],
  ["%252e%252e/secret", "/%252e%252e/secret"],
  ["%2561dmin", "/%2561dmin"],
  ["%61dmin", "/admin"],
  ["a//b///c", "/a/b/c"],
  ["a%2f%2fb", "/a/b"],
  ["a/./b/", "/a/b"],
  ["ADMIN", "/ADMIN"],
  ["a%5c..%5cb", "/a%5C..%5Cb"],
  ["a;x=1", "/a;x=1"],
  ["a%20b+c", "/a%20b+c"],
  ["a?x=%2e%2e/%0d%0a&y=//", "/a?x=%2e%2e/%0d%0a&y=//"],
  ["http://evil.com/", "/http:/evil.com"],
];

test.each(paths)(
  "in the URL form, %s reaches the app as %s",
  async (path, atApp) => {
    const { status } = await ask(`/v1.0/invoke/testapp/method/${path}`);
    expect(status).toBe(200);
    expect(app.requests.map(({ path: seen }) => seen)).toEqual([atApp]);
  },
);

test.each(paths)(
  "in the header form, /%s reaches the app as %s",
  async (path, atApp) => {
    const { status } = await ask(`/${path}`, "dapr-app-id: testapp\r\n");
    expect(status).toBe(200);
    expect(app.requests.map(({ path: seen }) => seen)).toEqual([atApp]);
  },
);

test.each(["a%00", "a%0d%0aX-Injected:%201", "a%0a", "a%23b", "a%3fb", "a%7f"])(
  "%s reaches nobody",
  async (path) => {
    for (const reply of [
      await ask(`/v1.0/invoke/testapp/method/${path}`),
      await ask(`/${path}`, "dapr-app-id: testapp\r\n"),
    ]) {
      expect(reply.status).toBe(500);
      expect(JSON.parse(reply.body)).toMatchObject({
        errorCode: "ERR_DIRECT_INVOKE",
      });
      expect(reply.head).not.toMatch(/^x-injected/im);
    }
    expect(app.requests).toEqual([]);
  },
);

test.each(["a%zz", "a%"])(
  "the broken escape in %s is answered with 400",
  async (path) => {
    for (const { status, body } of [
      await ask(`/v1.0/invoke/testapp/method/${path}`),
      await ask(`/${path}`, "dapr-app-id: testapp\r\n"),
    ]) {
      expect(status).toBe(400);
      expect(body).toContain('failed to unescape request parameter "method"');
    }
    expect(app.requests).toEqual([]);
  },
);

test.each([
  "/v1.0/invoke/testapp/method/../../../../v1.0/invoke/nobody/method/a",
  "/v1.0/invoke/testapp%2fmethod%2fa/method/a",
  "/v1.0/invoke/../invoke/nobody/method/a",
  "/v1.0/invoke/testapp%00/method/a",
  "/v1.0/invoke/testapp%0d%0a/method/a",
  "/v1.0/invoke/TESTAPP/method/a",
])("%s does not call this app", async (target) => {
  const { status } = await ask(target);
  expect(status).toBe(500);
  expect(app.requests).toEqual([]);
});

test("a path that leads back to a route is served there, not passed on", async () => {
  const { status, body } = await rawCall(
    sidecar.port,
    "GET /v1.0/invoke/testapp/method/../../../metadata HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  );
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ id: "testapp" });
  expect(app.requests).toEqual([]);
});
