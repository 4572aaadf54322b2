/** Service invocation of the sidecar's own app: targets, headers, statuses and errors (docs/protocol/invocation.md). */
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { rawCall } from "../support/http.ts";
import {
  closeApps,
  startApp,
  type RecordingApp,
} from "../support/recording-app.ts";
import { waitFor } from "../wait-for.ts";

const directInvoke = (id: string, error: string) => ({
  errorCode: "ERR_DIRECT_INVOKE",
  message: `failed to invoke, id: ${id}, err: ${error}`,
});

describe("an app and its sidecar", () => {
  let sidecar: Daprd;
  let app: RecordingApp;
  beforeAll(async () => {
    app = await startApp(({ path }) => {
      const status = Number(/^\/status\/(\d+)/.exec(path)?.[1] ?? 200);
      return {
        status,
        body: path.endsWith("/empty") || status === 204 ? undefined : "body",
        headers: path.startsWith("/typed")
          ? { "content-type": "text/plain", "x-answer": "1", "x-more-bin": "1" }
          : undefined,
      };
    });
    sidecar = await startDaprd({ appPort: app.port, until: "ready" });
  });
  afterAll(async () => {
    await stopAll();
    await closeApps();
  });
  beforeEach(() => (app.requests.length = 0));

  const byHeader = { "dapr-app-id": "testapp" };
  const basic = (text: string) => ({
    authorization: `Basic ${Buffer.from(text).toString("base64")}`,
  });

  test.each<[string, string, Record<string, string>, string]>([
    ["the URL", "/v1.0/invoke/testapp/method/neworder", {}, "/neworder"],
    ["the URL, no method", "/v1.0/invoke/testapp/method", {}, "/"],
    ["the URL, with slashes", "/v1.0/invoke/testapp/method/a/b/", {}, "/a/b"],
    ["a namespace", "/v1.0/invoke/testapp.default/method/a", {}, "/a"],
    ["an encoded name", "/v1.0/invoke/%74estapp/method/a", {}, "/a"],
    [
      "the header",
      "/neworder?x=1&y=%20/..",
      byHeader,
      "/neworder?x=1&y=%20/..",
    ],
    ["the header, root", "/", byHeader, "/"],
    ["Basic", "/neworder", basic("dapr-app-id:testapp"), "/neworder"],
    [
      "the header before the URL",
      "/v1.0/invoke/other/method/a",
      byHeader,
      "/v1.0/invoke/other/method/a",
    ],
  ])("found by %s", async (_, path, headers, expected) => {
    const reply = await sidecar.call("POST", path, { headers, body: "hello" });
    expect(reply).toMatchObject({ status: 200, text: "body" });
    expect(app.requests).toMatchObject([
      { method: "POST", path: expected, body: "hello" },
    ]);
  });

  test.each([
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "HEAD",
    "PURGE",
  ])("%s is passed on", async (method) => {
    const { status, text } = await sidecar.call(method, "/a", {
      headers: byHeader,
    });
    expect({ status, text }).toEqual({
      status: 200,
      text: method === "HEAD" ? "" : "body",
    });
    expect(app.requests).toMatchObject([{ method, path: "/a" }]);
  });

  test("headers reach the app, and the sidecar sets those of the connection and of identity itself", async () => {
    await sidecar.call("GET", "/a", {
      headers: {
        ...byHeader,
        "x-one": ["1", "2"],
        cookie: "a=b",
        "dapr-caller-app-id": "liar",
        "dapr-callee-app-id": "liar",
        "dapr-caller-namespace": "liar",
        connection: "x-hop",
        "x-hop": "1",
        te: "trailers",
        "x-tail-bin": "1",
        "grpc-timeout": "1S",
      },
    });
    const { headers } = app.requests[0]!;
    expect(headers).toMatchObject({
      host: `127.0.0.1:${app.port}`,
      "x-one": "1, 2",
      cookie: "a=b",
      "dapr-caller-app-id": "testapp",
      "dapr-callee-app-id": "testapp",
      "dapr-caller-namespace": "default",
      "dapr-grpc-timeout": "1S",
    });
    for (const name of [
      "dapr-app-id",
      "x-hop",
      "te",
      "x-tail-bin",
      "grpc-timeout",
      "x-forwarded-for",
      "forwarded",
    ])
      expect(headers).not.toHaveProperty(name);
  });

  test.each([200, 201, 302, 400, 404, 500, 503])(
    "the app's status %i is passed on",
    async (status) => {
      const { status: got, text } = await sidecar.call(
        "POST",
        `/status/${status}`,
        { headers: byHeader },
      );
      expect({ got, text }).toEqual({ got: status, text: "body" });
    },
  );

  test("an answer keeps its headers and length, and an error without a content type gets JSON's", async () => {
    const typed = await sidecar.call("GET", "/typed", { headers: byHeader });
    expect(typed.headers).toMatchObject({
      "content-type": "text/plain",
      "x-answer": "1",
      "content-length": "4",
    });
    expect(typed.headers).not.toHaveProperty("x-more-bin");
    const untyped = await sidecar.call("GET", "/status/200", {
      headers: byHeader,
    });
    expect(untyped.headers).not.toHaveProperty("content-type");
    const failed = await sidecar.call("GET", "/status/500", {
      headers: byHeader,
    });
    expect(failed.headers["content-type"]).toBe("application/json");
  });

  test.each([204, 304])(
    "an answer with %i has no body and no length",
    async (status) => {
      const reply = await rawCall(
        sidecar.port,
        `GET /status/${status}/empty HTTP/1.1\r\nHost: localhost\r\ndapr-app-id: testapp\r\nConnection: close\r\n\r\n`,
      );
      expect(reply).toMatchObject({ status, body: "" });
      expect(reply.head).not.toMatch(/^(content-length|transfer-encoding)/im);
    },
  );

  test("trace headers go to the app and come back", async () => {
    const traceparent =
      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { headers } = await sidecar.call("GET", "/a", {
      headers: { ...byHeader, traceparent },
    });
    expect(headers["traceparent"]).toBe(traceparent);
    expect(app.requests[0]!.headers["traceparent"]).toBe(traceparent);
  });

  test("the sidecar answers Expect: 100-continue itself and does not pass it on", async () => {
    const { all } = await rawCall(
      sidecar.port,
      "POST /a HTTP/1.1\r\nHost: localhost\r\ndapr-app-id: testapp\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    );
    expect(all).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    expect(app.requests[0]).toMatchObject({ body: "hi" });
    expect(app.requests[0]!.headers).not.toHaveProperty("expect");
  });

  test.each([
    ["GET", "/"],
    ["POST", "/v1.0/invoke"],
    ["GET", "/v1.0/invoke/testapp"],
    ["GET", "/v1.0/invoke/testapp/methods/a"],
    ["PATCH", "/v1.0/state/x"],
  ])("%s %s names no target and gets 404", async (method, path) => {
    const reply = await sidecar.call(method, path);
    expect(reply.status).toBe(404);
    expect(reply.json()).toEqual({
      errorCode: "ERR_DIRECT_INVOKE",
      message: expect.stringMatching(
        new RegExp(
          `^${method} ${path} is not in this API.*/v1\\.0/invoke/APP-ID/method/`,
        ),
      ),
    });
    expect(app.requests).toEqual([]);
  });

  test.each([
    ["/v1.0/invoke/a.b.c/method/x", "a.b.c", "invalid app id a.b.c"],
    [
      "/v1.0/invoke/testapp/method/a%00b",
      "testapp",
      'invalid method: method contains control character at position 1: "\\u0000"',
    ],
    [
      "/v1.0/invoke/testapp/method/a%23b",
      "testapp",
      "invalid method: method contains forbidden character: #",
    ],
    [
      "/v1.0/invoke/test%00app/method/x",
      "test\0app",
      'invalid app id "test\\u0000app"',
    ],
    [
      "/v1.0/invoke/testapp%00/method/x",
      "testapp\0",
      'invalid app id "testapp\\u0000"',
    ],
    [
      "/v1.0/invoke/testapp.ns%00/method/x",
      "testapp.ns\0",
      'invalid app id "testapp.ns\\u0000"',
    ],
    [
      "/v1.0/invoke/testapp/method/a%3Fb",
      "testapp",
      "invalid method: method contains forbidden character: ?",
    ],
  ])("%s gets 500 at once", async (path, id, error) => {
    const reply = await sidecar.call("POST", path, { body: "x" });
    expect(reply.status).toBe(500);
    expect(reply.json()).toEqual(directInvoke(id, error));
    expect(app.requests).toEqual([]);
  });
});

describe("an app that cannot be called", () => {
  let server: Server | undefined;
  afterEach(async () => {
    await stopAll();
    await closeApps();
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });
  const invoke = (sidecar: Daprd, body?: string) =>
    sidecar.call("POST", "/v1.0/invoke/testapp/method/a", {
      body,
    });

  test("without an app-port the error says so", async () => {
    const reply = await invoke(await startDaprd());
    expect(reply.status).toBe(500);
    expect(reply.json()).toEqual(
      directInvoke(
        "testapp",
        "cannot invoke local endpoint: app channel not initialized",
      ),
    );
  });

  test("it is called as soon as it is up, and again when it is back", async () => {
    const app = await startApp();
    const { port } = app;
    await app.close();
    const sidecar = await startDaprd({ appPort: port });
    expect((await invoke(sidecar)).json()).toEqual(
      directInvoke("testapp", "app is not in a healthy state"),
    );
    const back = await startApp(undefined, port);
    await waitFor(
      "the app to be found",
      async () => (await invoke(sidecar)).status === 200,
    );
    await sidecar.logged("application discovered");
    await back.close();
    const gone = await invoke(sidecar, "x");
    expect(gone.status).toBe(500);
    expect(gone.json()).toEqual(
      directInvoke(
        "testapp",
        `the app at http://127.0.0.1:${port} could not be called: connect ECONNREFUSED 127.0.0.1:${port}`,
      ),
    );
    await startApp(undefined, port);
    expect((await invoke(sidecar)).status).toBe(200);
  });

  test("it is not called while its health probe fails", async () => {
    let health = 500;
    const app = await startApp(({ path }) => ({
      status: path === "/healthz" ? health : 200,
    }));
    const sidecar = await startDaprd({
      appPort: app.port,
      until: "ready",
      args: ["--enable-app-health-check", "--app-health-probe-interval=1"],
    });
    const reply = await invoke(sidecar);
    expect(reply.status).toBe(500);
    expect(reply.json()).toEqual(
      directInvoke("testapp", "app is not in a healthy state"),
    );
    expect(app.posts()).toEqual([]);
    health = 200;
    await waitFor(
      "the app to be healthy",
      async () => (await invoke(sidecar)).status === 200,
    );
  });

  test.each([
    ["dies without an answer", ""],
    ["dies in its head", "HTTP/1.1 200 OK\r\nContent-"],
    [
      "dies in a short body",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    ],
    ["speaks no HTTP", "220 ready\r\n"],
    [
      "smuggles",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
  ])(
    "when it %s, the caller gets the documented error and the sidecar goes on",
    async (_, answer) => {
      const raw = createTcpServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => socket.end(answer));
      });
      await new Promise<void>((done) => raw.listen(0, "127.0.0.1", done));
      try {
        const sidecar = await startDaprd({
          appPort: (raw.address() as AddressInfo).port,
          until: "ready",
        });
        for (const body of ["x", undefined]) {
          const reply = await invoke(sidecar, body);
          expect(reply.status).toBe(500);
          expect(reply.json()).toMatchObject({
            errorCode: "ERR_DIRECT_INVOKE",
            message: expect.stringMatching(
              /^failed to invoke, id: testapp, err: the app at http:\/\/127\.0\.0\.1:\d+ could not be called: (it closed the connection|the answer)/,
            ) as string,
          });
        }
        expect((await sidecar.call("GET", "/v1.0/healthz")).status).toBe(204);
      } finally {
        raw.close();
      }
    },
  );

  test("--app-max-concurrency: a call takes a slot until the body of its answer has ended", async () => {
    const ends: (() => void)[] = [];
    let running = 0;
    let most = 0;
    server = createServer((incoming, outgoing) => {
      incoming.resume();
      most = Math.max(most, ++running);
      outgoing.write("begun");
      ends.push(() => {
        running--;
        outgoing.end("ended");
      });
    });
    await new Promise<void>((done) => server!.listen(0, "127.0.0.1", done));
    const sidecar = await startDaprd({
      appPort: (server.address() as AddressInfo).port,
      until: "ready",
      args: ["--app-max-concurrency=2"],
    });
    const replies = Array.from({ length: 5 }, () => invoke(sidecar));
    for (let i = 0; i < 5; i++) {
      // With the next one, as long as there is one: two at a time.
      await waitFor(`call ${i + 1}`, () => ends[Math.min(i + 1, 4)]);
      ends[i]!();
    }
    for (const { text } of await Promise.all(replies))
      expect(text).toBe("begunended");
    expect(most).toBe(2);
  });
});
