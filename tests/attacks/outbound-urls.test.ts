/** bindings.http stays below its configured url, and does not follow redirects by itself. */
import { component } from "../support/component.ts";
import { startDaprd, stopAll } from "../support/daprd.ts";
import {
  closeApps,
  startApp,
  type Recorded,
} from "../support/recording-app.ts";
import { parseTarget } from "../../runtime/components/bindings/http/target.ts";

afterEach(stopAll);
afterEach(closeApps);

const sidecarFor = async (
  answer: (request: Recorded) => {
    status: number;
    headers?: Record<string, string>;
    body?: string;
  },
  metadata: Record<string, string> = {},
) => {
  const inside = await startApp(answer);
  const sidecar = await startDaprd({
    resources: {
      "a.yaml": component("web", "bindings.http", {
        url: `http://127.0.0.1:${inside.port}/base`,
        ...metadata,
      }),
    },
  });
  const get = (path?: string, more: Record<string, string> = {}) =>
    sidecar.call("POST", "/v1.0/bindings/web", {
      body: JSON.stringify({
        operation: "get",
        metadata: { ...(path === undefined ? {} : { path }), ...more },
      }),
    });
  return { inside, sidecar, get };
};

const climbs = [
  "..",
  "../",
  "../admin",
  "a/../../admin",
  "/../admin",
  "//../admin",
  "a/../b",
  "%2e%2e/admin",
  ".%2E/admin",
  "..%2fadmin",
  "%2e%2e%2fadmin",
  "%252e%252e%252fadmin",
  "..\\admin",
  "..%5cadmin",
  "a/..;x=1/admin",
  "..;/admin",
  ".. /admin",
  "..%20/admin",
  "..\t/admin",
  "\t../admin",
  ".\n./admin",
  ".\t%2e/admin",
  "%25252525252525252e./admin",
];
const wholes = [
  "http://169.254.169.254/latest/meta-data",
  "HTTPS://evil.example/",
  "  http://evil.example/",
  "file:///etc/passwd",
  "gopher://127.0.0.1:6379/_x",
];

test("a path that climbs or is a whole URL is refused, and nothing is sent", async () => {
  const { inside, get } = await sidecarFor(() => ({ status: 200 }));
  for (const path of climbs) {
    const reply = await get(path);
    expect([path, reply.status, inside.requests]).toEqual([path, 500, []]);
    expect(reply.json()).toMatchObject({
      message:
        "error invoking output binding web: path leaves the component's url",
    });
  }
  for (const path of wholes) {
    const reply = await get(path);
    expect([path, reply.status, inside.requests]).toEqual([path, 500, []]);
    expect(reply.text).toContain("path is a whole URL");
  }
});

test("a path with a control character is refused, as in the original", async () => {
  const { inside, get } = await sidecarFor(() => ({ status: 200 }));
  for (const path of ["a\r\nHost: evil.example", "/a\nX: y", "\0", "a\x7f"]) {
    const reply = await get(path);
    expect([path, reply.status, inside.requests]).toEqual([path, 500, []]);
    expect(reply.text).toContain("path holds a control character");
  }
});

test("a path that only looks like another address stays below the url", async () => {
  const { inside, get } = await sidecarFor(() => ({ status: 200 }));
  const odd = [
    "//169.254.169.254/latest",
    "\\\\169.254.169.254\\latest",
    "@evil.example/",
    ":80@evil.example/",
    "?url=http://evil.example",
    "...",
    "a..b",
  ];
  for (const path of odd) expect((await get(path)).status).toBe(200);
  expect(inside.requests).toHaveLength(odd.length);
  for (const { path, headers, method } of inside.requests) {
    expect(method).toBe("GET");
    expect(path).toMatch(/^\/base\//);
    expect(headers.host).toBe(`127.0.0.1:${inside.port}`);
  }
});

test("the caller's headers change neither the host nor the framing", async () => {
  const { inside, get } = await sidecarFor(() => ({ status: 200 }));
  await get("", { Host: "169.254.169.254", "Transfer-Encoding": "chunked" });
  expect(inside.requests[0]!.headers.host).toBe(`127.0.0.1:${inside.port}`);
  const broken = await get("", { "X-A": "1\r\nX-B: 2" });
  expect(broken.status).toBe(500);
  const named = await get("", { "X-A: 1\r\nX-B": "2" });
  expect(named.status).toBe(500);
  expect(inside.requests).toHaveLength(1);
});

test("a redirect is an answer, and is not followed", async () => {
  const outside = await startApp();
  const { inside, get } = await sidecarFor(({ path }) => ({
    status: 302,
    headers: {
      location:
        path === "/base/in"
          ? "/base/there"
          : `http://127.0.0.1:${outside.port}/meta`,
    },
  }));
  for (const path of ["in", "out"]) {
    const reply = await get(path);
    expect(reply.status).toBe(500);
    expect(reply.text).toContain("received status code 302");
    expect(reply.headers["metadata.location"]).toBeDefined();
  }
  expect(inside.requests).toHaveLength(2);
  expect(outside.requests).toEqual([]);
});

test("followRedirects follows below the url and no further", async () => {
  const outside = await startApp();
  const places: Record<string, string> = {
    "/base/in": "there?x=1",
    "/base/out": `http://127.0.0.1:${outside.port}/meta`,
    "/base/up": "/admin",
    "/base/climb": "/base/%2e%2e/admin",
    "/base/bare": `//127.0.0.1:${outside.port}/meta`,
    "/base/round": "round",
  };
  const { inside, get } = await sidecarFor(
    ({ path }) =>
      places[path]
        ? { status: 307, headers: { location: places[path] } }
        : { status: 200, body: path },
    { followRedirects: "true" },
  );
  expect((await get("in")).text).toBe("/base/there?x=1");
  for (const path of ["out", "up", "climb", "bare"]) {
    const reply = await get(path);
    expect(reply.text).toContain("received status code 307");
  }
  const before = inside.requests.length;
  expect((await get("round")).status).toBe(500);
  expect(inside.requests.length - before).toBe(11);
  expect(outside.requests).toEqual([]);
  for (const { path } of inside.requests) expect(path).toMatch(/^\/base\//);
});

test("every mix of dots, slashes and escapes stays below the url", () => {
  const target = parseTarget("http://127.0.0.1:8080/base/deep");
  const parts = [
    "..",
    ".",
    "/",
    "\\",
    "%2e",
    "%2f",
    "%5c",
    "%25",
    "2e",
    ";",
    "a",
    "@",
    "?",
    "#",
    "%",
    " ",
    "\t",
    "//",
  ];
  let seed = 7;
  const random = (n: number) =>
    (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    let path = "";
    for (let i = random(8); i >= 0; i--) path += parts[random(parts.length)];
    let resolved;
    try {
      resolved = target.resolve(path);
    } catch {
      continue;
    }
    taken++;
    // A client or a server may parse it once more.
    const read = new URL(resolved, "http://127.0.0.1:8080");
    expect(read.host).toBe("127.0.0.1:8080");
    expect(`${read.pathname}/`).toMatch(/^\/base\/deep\//);
  }
  expect(taken).toBeGreaterThan(2000);
});
