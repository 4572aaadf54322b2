/** bindings.http in a running sidecar (docs/protocol/bindings.md). */
import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer as createPlainServer } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { component } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  closeApps,
  startApp,
  type Answer,
  type Recorded,
} from "../support/recording-app.ts";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";
import { hasOpenssl, makeCertificates } from "../support/tls.ts";

afterEach(stopAll);
afterEach(closeApps);

const folder = tempFolder("http-binding");

const sidecarFor = (url: string, metadata: Record<string, string> = {}) =>
  startDaprd({
    resources: {
      "a.yaml": component("web", "bindings.http", { url, ...metadata }),
    },
  });

async function withServer(
  answer?: (request: Recorded) => Answer | Promise<Answer>,
  metadata: Record<string, string> = {},
  path = "/base",
) {
  const app = await startApp(answer);
  const url = `http://127.0.0.1:${app.port}${path}`;
  const sidecar = await sidecarFor(url, metadata);
  return { app, sidecar, invoke: invoking(sidecar) };
}

const invoking =
  (sidecar: Daprd) =>
  (operation: string, metadata?: Record<string, string>, data?: unknown) =>
    sidecar.call("POST", "/v1.0/bindings/web", {
      body: JSON.stringify({ operation, metadata, data }),
    });

test("when the caller leaves, the request to the server ends", async () => {
  const asked = Promise.withResolvers<{ cut: Promise<unknown> }>();
  const server = createPlainServer((request) => {
    request.on("error", () => {}); // cut off
    const cut = new Promise((resolve) => request.once("close", resolve));
    asked.resolve({ cut });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sidecar = await sidecarFor(`http://127.0.0.1:${port}`);
  const leaving = new AbortController();
  const left = fetch(`http://127.0.0.1:${sidecar.port}/v1.0/bindings/web`, {
    method: "POST",
    body: '{"operation":"get"}',
    signal: leaving.signal,
  }).catch((error: Error) => error.name);
  const { cut } = await asked.promise;
  leaving.abort();
  expect(await left).toBe("AbortError");
  await cut;
  server.close();
});

test("each operation sends its HTTP method, and post, put, patch and create send the data", async () => {
  const { app, invoke } = await withServer();
  for (const operation of [
    "create",
    "get",
    "head",
    "post",
    "put",
    "patch",
    "delete",
    "options",
    "trace",
  ])
    expect((await invoke(operation, {}, { b: 1, a: "<" })).status).toBe(200);
  const sent = '{"a":"\\u003c","b":1}';
  expect(app.requests.map(({ method, body }) => [method, body])).toEqual([
    ["POST", sent],
    ["GET", ""],
    ["HEAD", ""],
    ["POST", sent],
    ["PUT", sent],
    ["PATCH", sent],
    ["DELETE", ""],
    ["OPTIONS", ""],
    ["TRACE", ""],
  ]);
  expect(new Set(app.requests.map(({ path }) => path))).toEqual(
    new Set(["/base"]),
  );
  expect((await invoke("list")).json()).toMatchObject({
    message:
      "error invoking output binding web: binding web does not support operation list. supported operations:create get head post put patch delete options trace",
  });
});

test("the answer has the body, status and headers", async () => {
  const { invoke } = await withServer(() => ({
    status: 202,
    body: "<b>not json</b>",
    headers: { "content-type": "text/html", "x-one": "1", "x-two": "a, b" },
  }));
  const reply = await invoke("get");
  expect(reply).toMatchObject({ status: 200, text: "<b>not json</b>" });
  expect(reply.headers).toMatchObject({
    "content-type": "application/json",
    "metadata.statuscode": "202",
    "metadata.status": "202 Accepted",
    "metadata.content-type": "text/html",
    "metadata.x-one": "1",
    "metadata.x-two": "a, b",
  });
  expect(reply.headers).not.toHaveProperty(["metadata.transfer-encoding"]);
});

test("an answer other than 2xx is an error with metadata, unless errorIfNot2XX is false", async () => {
  const teapot = (): Answer => ({
    status: 418,
    body: "short and stout",
    headers: { "x-why": "tea" },
  });
  const strict = await withServer(teapot);
  const failed = await strict.invoke("get");
  expect(failed.status).toBe(500);
  expect(failed.json()).toEqual({
    errorCode: "ERR_INVOKE_OUTPUT_BINDING",
    message: "error invoking output binding web: received status code 418",
  });
  expect(failed.headers).toMatchObject({
    "metadata.statuscode": "418",
    "metadata.status": "418 I'm a Teapot",
    "metadata.x-why": "tea",
  });
  const asked = await strict.invoke("get", { errorIfNot2XX: "false" });
  expect(asked).toMatchObject({ status: 200, text: "short and stout" });
  expect(asked.headers["metadata.statuscode"]).toBe("418");
  const lenient = await withServer(teapot, { errorIfNot2XX: "false" });
  expect((await lenient.invoke("get")).status).toBe(200);
  expect((await lenient.invoke("get", { errorIfNot2XX: "true" })).status).toBe(
    500,
  );
});

test("a JSON string is sent as plain text if the content type is not JSON, unless that is switched off", async () => {
  const { app, invoke } = await withServer();
  const form = "a=1&b=<2>";
  const type = "application/x-www-form-urlencoded";
  await invoke("post", { "Content-Type": type }, form);
  await invoke("post", { "content-type": type }, form);
  await invoke("post", { "content-type": "application/json" }, form);
  await invoke("post", {}, form);
  await invoke("post", { "content-type": "text/plain" }, { a: 1 });
  const original = await withServer(undefined, { stringsAsText: "false" });
  await original.invoke("post", { "content-type": type }, form);
  const bodies = app.requests.map(({ body }) => body);
  expect(bodies.slice(0, 2)).toEqual([form, form]);
  for (const body of bodies.slice(2, 4)) expect(JSON.parse(body)).toBe(form);
  expect(bodies[4]).toBe('{"a":1}');
  expect(JSON.parse(original.app.requests[0]!.body)).toBe(form);
  expect(app.requests[1]!.headers["content-type"]).toBe(type);
});

test("a request has default headers, those of the metadata, trace headers and the token", async () => {
  const { app, sidecar, invoke } = await withServer(undefined, {
    securityToken: "sesame",
    securityTokenHeader: "X-Token",
  });
  await invoke("post", {}, 1);
  expect(app.requests[0]!.headers).toMatchObject({
    "content-type": "application/json; charset=utf-8",
    accept: "application/json; charset=utf-8",
    "x-token": "sesame",
    "user-agent": expect.stringMatching(/^daprd\/\d/),
    host: `127.0.0.1:${app.port}`,
  });
  await invoke(
    "post",
    {
      "Content-Type": "text/plain",
      Accept: "a/b",
      "X-Own": "v",
      "x-lower": "w",
      lower: "not a header",
      Host: "elsewhere.example",
      "Content-Length": "9999",
      "Transfer-Encoding": "chunked",
      Connection: "close, x-token",
    },
    1,
  );
  const { headers } = app.requests[1]!;
  expect(headers).toMatchObject({
    "content-type": "text/plain",
    accept: "a/b",
    "x-own": "v",
    "x-lower": "w",
    "content-length": "1",
    host: `127.0.0.1:${app.port}`,
  });
  expect(headers).not.toHaveProperty("lower");
  expect(headers).not.toHaveProperty("transfer-encoding");
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  await sidecar.call("POST", "/v1.0/bindings/web", {
    headers: { traceparent, tracestate: "k=v" },
    body: '{"operation":"get"}',
  });
  expect(app.requests[2]!.headers).toMatchObject({
    traceparent,
    tracestate: "k=v",
  });
  expect(app.requests[2]!.headers).not.toHaveProperty("content-type");
});

test("path is appended to the url, with its query", async () => {
  const { app, invoke } = await withServer(undefined, {}, "/base/?key=1");
  for (const path of ["", "a", "/a/b/", "a?x=1&y=2", "%C3%A9 é", "a/./b#f"])
    await invoke("get", { path });
  expect(app.requests.map(({ path }) => path)).toEqual([
    "/base/?key=1",
    "/base/a?key=1",
    "/base/a/b/?key=1",
    "/base/a?key=1&x=1&y=2",
    "/base/%C3%A9%20%C3%A9?key=1",
    "/base/a/b?key=1",
  ]);
});

test("user and password in the url log in, and are never revealed", async () => {
  const app = await startApp();
  const sidecar = await sidecarFor(
    `http://me:canary%20word@127.0.0.1:${app.port}/`,
  );
  await invoking(sidecar)("get");
  expect(app.requests[0]!.headers.authorization).toBe(
    `Basic ${Buffer.from("me:canary word").toString("base64")}`,
  );
  await app.close();
  const failed = await invoking(sidecar)("get");
  expect(failed.status).toBe(500);
  expect(failed.text + sidecar.output()).not.toContain("canary");
});

(canReadMemory ? test : test.skip)(
  "a long answer is in memory once, and the memory is freed",
  async () => {
    const megabyte = Buffer.alloc(1024 * 1024, "x");
    const server = createPlainServer((_, outgoing) => {
      outgoing.on("error", () => {});
      for (let i = 0; i < 80; i++) outgoing.write(megabyte);
      outgoing.end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      const sidecar = await sidecarFor(`http://127.0.0.1:${port}`, {
        maxResponseBodySize: "60Mi",
      });
      const before = memoryOf(sidecar.pid).rss;
      for (let round = 0; round < 2; round++) {
        const reply = await fetch(
          `http://127.0.0.1:${sidecar.port}/v1.0/bindings/web`,
          { method: "POST", body: '{"operation":"get"}' },
        );
        expect(reply.status).toBe(200);
        let bytes = 0;
        for await (const chunk of reply.body!) bytes += chunk.length;
        expect(bytes).toBe(60 * 1024 * 1024);
      }
      await waitFor("the memory to come back", () => {
        const { rss, peak } = memoryOf(sidecar.pid);
        if (peak > before + 110)
          throw new Error(`${before} MB before, ${peak} MB at most`);
        return rss < before + 30;
      });
    } finally {
      server.close();
    }
  },
);

test("an answer longer than maxResponseBodySize is cut off without an error", async () => {
  const { invoke } = await withServer(
    ({ path }) => ({
      status: 200,
      body: path === "/base/long" ? "x".repeat(3_000_000) : "0123456789",
    }),
    { maxResponseBodySize: "10" },
  );
  expect((await invoke("get", { path: "long" })).text).toBe("x".repeat(10));
  expect((await invoke("get")).text).toBe("0123456789");
  const open = await withServer(
    () => ({ status: 200, body: "x".repeat(3_000_000) }),
    { maxResponseBodySize: "-1" },
  );
  expect((await open.invoke("get")).text).toHaveLength(3_000_000);
});

test("responseTimeout ends the wait for a head and for a slow body", async () => {
  const silent = createTcpServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (head) => {
      if (head.includes("/slow"))
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    });
  });
  await new Promise<void>((resolve) =>
    silent.listen(0, "127.0.0.1", () => resolve()),
  );
  const { port } = silent.address() as AddressInfo;
  try {
    const sidecar = await sidecarFor(`http://127.0.0.1:${port}`, {
      responseTimeout: "200ms",
    });
    for (const path of ["/never", "/slow"])
      expect((await invoking(sidecar)("get", { path })).json()).toEqual({
        errorCode: "ERR_INVOKE_OUTPUT_BINDING",
        message: "error invoking output binding web: no answer within 200 ms",
      });
    await sidecar.stop();
  } finally {
    silent.close();
  }
});

test("a server that is down is an error at once, and is reached once it is back", async () => {
  const [port] = (await freePorts(1)) as [number];
  const sidecar = await sidecarFor(`http://127.0.0.1:${port}`);
  const failed = await invoking(sidecar)("get");
  expect(failed.status).toBe(500);
  expect(failed.json()).toMatchObject({
    message: expect.stringMatching(
      /^error invoking output binding web: .*ECONNREFUSED/,
    ),
  });
  await startApp(undefined, port);
  expect((await invoking(sidecar)("get")).status).toBe(200);
});

const whenOpenssl = hasOpenssl ? test : test.skip;

whenOpenssl(
  "TLS takes an authority and a client certificate, as PEM and as files",
  async () => {
    const certificates = makeCertificates(folder);
    const clients: (string | undefined)[] = [];
    const server = createServer(
      {
        cert: certificates.cert,
        key: certificates.key,
        ca: certificates.ca,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (incoming, outgoing) => {
        const socket = incoming.socket as TLSSocket;
        const { subject } = socket.getPeerCertificate();
        clients.push(socket.authorized ? String(subject.CN) : undefined);
        outgoing.end("secure");
      },
    );
    await new Promise<void>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve()),
    );
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const file = (name: string) => join(folder, name);
    try {
      const untrusting = await sidecarFor(url);
      expect((await invoking(untrusting)("get")).json()).toMatchObject({
        message: expect.stringMatching(/certificate/),
      });
      for (const metadata of [
        { MTLSRootCA: certificates.ca },
        {
          MTLSRootCA: file("ca.crt"),
          MTLSClientCert: file("client.crt"),
          MTLSClientKey: file("client.key"),
          MTLSRenegotiation: "RenegotiateOnceAsClient",
        },
        {
          MTLSRootCA: readFileSync(file("ca.crt"), "utf8"),
          MTLSClientCert: certificates.clientCert,
          MTLSClientKey: certificates.clientKey,
        },
      ]) {
        const sidecar = await sidecarFor(
          url,
          metadata as Record<string, string>,
        );
        expect((await invoking(sidecar)("get")).text).toBe("secure");
        await sidecar.stop();
      }
      expect(clients).toEqual([undefined, "client", "client"]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
);

writeFileSync(join(folder, "text"), "canary");
test.each([
  [{ url: "" }, /: missing 'url' attribute \(/],
  [
    { url: "ftp://u:canary@h/" },
    /: metadata 'url': it is not an http:\/\/ or https:\/\/ URL \(.*a\.yaml:10:\d+\)$/,
  ],
  [{ url: "127.0.0.1:80/canary" }, /metadata 'url': it is not an http/],
  [
    { MTLSRootCA: join(folder, "none") },
    /'MTLSRootCA' is neither PEM nor a file that can be read \(ENOENT\)/,
  ],
  [
    { MTLSRootCA: join(folder, "text") },
    /'MTLSRootCA' holds no certificate in PEM/,
  ],
  [
    { MTLSClientCert: join(folder, "text") },
    /'MTLSClientKey' is missing: a client certificate and its key go together/,
  ],
  [
    { securityToken: "canary\n", securityTokenHeader: "X" },
    /'securityToken': it holds a character that no header can carry/,
  ],
  [
    { responseTimeout: "soon" },
    /metadata 'responseTimeout': "soon" is not a duration/,
  ],
  [{ maxResponseBodySize: "100MB" }, /"100MB" is not a size/],
  [{ MTLSRenegotiation: "Never" }, /"Never" is not one of RenegotiateNever/],
])("%j ends the start", async (metadata, message) => {
  const sidecar = await startDaprd({
    until: "nothing",
    resources: {
      "a.yaml": component("web", "bindings.http", {
        url: "http://127.0.0.1",
        ...(metadata as Record<string, string>),
      }),
    },
  });
  expect((await sidecar.exited).code).toBe(1);
  expect(sidecar.messages().at(-1)).toMatch(message);
  expect(sidecar.output()).not.toContain("canary");
});
