/** Addresses without a sidecar: plain URLs and HTTPEndpoints (docs/protocol/invocation.md). */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  closeApps,
  startApp,
  type RecordingApp,
} from "../support/recording-app.ts";

let sidecar: Daprd;
let outside: RecordingApp;
let elsewhere: RecordingApp;
let binary: Server;

const endpoint = (
  name: string,
  baseUrl: string,
  more = "",
) => `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata:
  name: ${name}
spec:
  baseUrl: ${baseUrl}
${more}`;

beforeAll(async () => {
  elsewhere = await startApp(() => ({ status: 200, body: "elsewhere" }));
  outside = await startApp(({ path }) => {
    const to = /^\/(?:base\/)?to\/(\d+)\/(.*)$/.exec(path);
    if (!to) return { status: 200, body: path };
    const location =
      to[2] === "elsewhere"
        ? `http://127.0.0.1:${elsewhere.port}/x`
        : `/${to[2]}`;
    return { status: Number(to[1]), headers: { location } };
  });
  // A gRPC server begins by itself, with the settings of HTTP/2.
  binary = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(Buffer.from("000000040000000000", "hex"));
  }).listen(0, "127.0.0.1");
  await once(binary, "listening");
  const binaryPort = (binary.address() as AddressInfo).port;
  const url = `http://127.0.0.1:${outside.port}`;
  sidecar = await startDaprd({
    env: {
      APP_API_TOKEN: "app-canary",
      DAPR_API_TOKEN: "api-canary",
      SHOP_KEY: "secret-canary",
    },
    resources: {
      "a-endpoints.yaml": [
        endpoint(
          "shop",
          `${url}/base/`,
          `  headers:
    - name: Authorization
      secretKeyRef:
        name: SHOP_KEY
        key: SHOP_KEY
    - name: X-Plain
      value: plain
auth:
  secretStore: environment
`,
        ),
        endpoint("other", url, "scopes: [another]\n"),
        endpoint("gone", "http://127.0.0.1:1"),
        endpoint("lost", "http://no-such-host.invalid:80"),
        endpoint("binary", `http://127.0.0.1:${binaryPort}`),
      ].join("\n---\n"),
      "secrets.yaml": `apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: environment
spec:
  type: secretstores.local.env
  version: v1
`,
    },
  });
});
afterAll(async () => {
  await stopAll();
  await closeApps();
  binary.close();
});
beforeEach(() => {
  outside.requests.length = 0;
  elsewhere.requests.length = 0;
});

const headers = { "dapr-api-token": "api-canary", "x-mine": "1" };
const call = (path: string, method = "GET", body?: string) =>
  sidecar.call(method, path, { headers, body });

test.each([
  ["raw", (url: string) => url],
  ["percent-encoded", encodeURIComponent],
])("a plain URL, %s, is called unchanged", async (_, shape) => {
  const url = shape(`http://127.0.0.1:${outside.port}`);
  const path = `/v1.0/invoke/${url}/method/a/b?x=%201`;
  const reply = await call(path, "POST", "hi");
  expect(reply).toMatchObject({ status: 200, text: "/a/b?x=%201" });
  expect(outside.requests).toMatchObject([
    {
      method: "POST",
      body: "hi",
      headers: { host: `127.0.0.1:${outside.port}`, "x-mine": "1" },
    },
  ]);
});

test("a redirect from a plain URL is passed on as the answer", async () => {
  const url = `http://127.0.0.1:${outside.port}`;
  const reply = await call(`/v1.0/invoke/${url}/method/to/302/x`);
  expect(reply).toMatchObject({ status: 302, headers: { location: "/x" } });
});

test("a named endpoint gets its base path and its headers, in place of the caller's", async () => {
  const reply = await sidecar.call("GET", "/v1.0/invoke/shop/method/a/../b?c", {
    headers: { ...headers, authorization: "mine" },
  });
  expect(reply).toMatchObject({ status: 200, text: "/base/b?c" });
  expect(outside.requests[0]!.headers).toMatchObject({
    authorization: "secret-canary",
    "x-plain": "plain",
    "x-mine": "1",
  });
});

test("no path leaves the endpoint's base path", async () => {
  await call("/v1.0/invoke/shop/method/..%2f..%2fsecret");
  await call("/v1.0/invoke/shop/method/%2e%2e/secret");
  expect(outside.requests.map(({ path }) => path)).toEqual([
    "/base/secret",
    "/base/secret",
  ]);
});

test.each(["end", "elsewhere"])(
  "a redirect from a named endpoint is passed on as the answer: %s",
  async (place) => {
    const reply = await call(`/v1.0/invoke/shop/method/to/307/${place}`);
    expect(reply.status).toBe(307);
    expect(reply.headers.location).toMatch(/\/(end|x)$/);
    expect(outside.requests).toHaveLength(1);
    expect(elsewhere.requests).toEqual([]);
  },
);

test("with DAPR_FOLLOW_REDIRECTS, redirects below the endpoint's URL are followed, and no others", async () => {
  const following = await startDaprd({
    env: { DAPR_FOLLOW_REDIRECTS: "true" },
    resources: {
      "a.yaml": endpoint("shop", `http://127.0.0.1:${outside.port}/base`),
    },
  });
  const go = (status: number, place: string, method: string) =>
    following.call(method, `/v1.0/invoke/shop/method/to/${status}/${place}`, {
      body: method === "POST" ? "hi" : undefined,
    });
  for (const [status, method, next, body] of [
    [302, "POST", "GET", ""],
    [307, "POST", "POST", "hi"],
    [301, "HEAD", "HEAD", ""],
  ] as const) {
    outside.requests.length = 0;
    expect((await go(status, "base/end", method)).status).toBe(200);
    expect(outside.requests).toMatchObject([
      { method },
      { method: next, path: "/base/end", body },
    ]);
  }
  for (const place of ["elsewhere", "end", "base/..%252f..%252fend", "based"]) {
    outside.requests.length = 0;
    expect((await go(307, place, "GET")).status).toBe(307);
    expect(outside.requests).toHaveLength(1);
  }
  expect(elsewhere.requests).toEqual([]);
  await following.stop();
});

test("tokens of the sidecar and its app are not sent outside", async () => {
  await call("/v1.0/invoke/shop/method/a");
  await call(`/v1.0/invoke/http://127.0.0.1:${outside.port}/method/a`);
  expect(outside.requests).toHaveLength(2);
  for (const { headers: seen } of outside.requests) {
    expect(JSON.stringify(seen)).not.toMatch(/(app|api)-canary/);
    for (const name of Object.keys(seen)) expect(name).not.toMatch(/^dapr-/);
  }
});

test.each([
  [
    "gone",
    /the server at http:\/\/127\.0\.0\.1:1 can't be reached: nothing listens there \(.*ECONNREFUSED.*\); start it, or correct the baseUrl of HTTPEndpoint gone"/,
  ],
  [
    "lost",
    /the server at http:\/\/no-such-host\.invalid can't be reached: the host name does not resolve \(.*\); correct the baseUrl of HTTPEndpoint lost, or look at the name server"/,
  ],
  [
    "http://no-such-host.invalid:1",
    /the server at http:\/\/no-such-host\.invalid:1 can't be reached: the host name does not resolve \(.*\); correct the URL, or/,
  ],
  [
    "binary",
    /the server at http:\/\/127\.0\.0\.1:\d+ does not answer as HTTP\/1\.1 does \(.*\); name its HTTP port in the baseUrl of HTTPEndpoint binary"/,
  ],
  ["other", "other"],
  ["ftp://127.0.0.1", "ftp"],
  ["http://user:pass@127.0.0.1", "a URL with a user or password is not called"],
])("%s gives the documented error", async (target, error) => {
  const reply = await call(
    `/v1.0/invoke/${encodeURIComponent(target)}/method/a`,
  );
  expect(reply.status).toBe(500);
  expect(reply.json()).toMatchObject({ errorCode: "ERR_DIRECT_INVOKE" });
  expect(reply.text).toMatch(error);
});

test("the error about https to a port without TLS says so", async () => {
  const target = `https://127.0.0.1:${outside.port}`;
  const reply = await call(
    `/v1.0/invoke/${encodeURIComponent(target)}/method/a`,
  );
  expect(reply.status).toBe(500);
  expect(reply.json()).toEqual({
    errorCode: "ERR_DIRECT_INVOKE",
    message: `failed to invoke, id: ${target}, err: the server at ${target} did not answer with TLS`,
  });
});

test("the metadata lists the endpoints of this app, without their secrets", async () => {
  const reply = await call("/v1.0/metadata");
  expect(reply.json()).toMatchObject({
    httpEndpoints: ["shop", "gone", "lost", "binary"].map((name) => ({ name })),
  });
  expect(reply.text + sidecar.output()).not.toContain("canary");
});

test.each([
  [
    endpoint("a", "ftp://x"),
    'HTTPEndpoint "a": spec.baseUrl "ftp://x" is not an http or https URL',
    ":6:",
  ],
  [
    endpoint("a", "http://x") + "\n---\n" + endpoint("a", "http://y"),
    "duplicate definition of HTTPEndpoint name a",
    ":1:",
  ],
])(
  "a wrong endpoint ends the start, and the error names its place",
  async (text, error, place) => {
    const failed = await startDaprd({
      resources: { "a.yaml": text },
      until: "nothing",
    });
    expect((await failed.exited).code).toBe(1);
    expect(failed.output()).toContain(error.replaceAll('"', '\\"'));
    expect(failed.output()).toContain(place);
  },
);
