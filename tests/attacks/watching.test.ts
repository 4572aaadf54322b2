/** Who may not watch is refused; who may can't hold the sidecar up; what is secret is never told. */
import { request } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { component, fileStore } from "../support/component.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import { closeGrpc, openGrpc } from "../support/grpc-api.ts";
import { call, rawCall } from "../support/http.ts";
import { inParallel } from "../support/in-parallel.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { items, stateStore } from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";
import {
  eventsPath,
  openWatcher,
  watchable,
  watchHeaders,
  watchToken,
} from "../support/watcher.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  closeGrpc();
  await stopAll();
  await closeApps();
});

const keysPath = "/dapr-kit/watch/stores/statestore/keys";
const resources = { "a.yaml": stateStore("state.in-memory") };
const startWatchable = (
  env: Record<string, string> = {},
  args: string[] = [],
) => startDaprd({ env: { ...watchable, ...env }, args, resources });

const isRefused = async (
  sidecar: Daprd,
  headers: Record<string, string>,
  status: number,
) => {
  for (const path of [eventsPath, keysPath]) {
    const reply = await sidecar.call("GET", path, { headers });
    expect([path, headers, reply.status]).toEqual([path, headers, status]);
    expect(reply.text).not.toContain(watchToken);
  }
};

test("without the exact token nobody watches", async () => {
  const sidecar = await startWatchable();
  const wrong = [
    "",
    "x",
    watchToken.slice(0, -1),
    `${watchToken}x`,
    watchToken.toUpperCase(),
    "x".repeat(4000),
  ];
  await isRefused(sidecar, {}, 401);
  for (const token of wrong)
    await isRefused(sidecar, { "dapr-watch-token": token }, 401);
  await isRefused(sidecar, { "dapr-api-token": watchToken }, 401);
  await isRefused(sidecar, { authorization: `Bearer ${watchToken}` }, 401);
  const inQuery = `${eventsPath}?dapr-watch-token=${watchToken}`;
  expect((await sidecar.call("GET", inQuery)).status).toBe(401);
  for (const path of [
    "//dapr-kit/watch/events",
    "/dapr-kit/./watch/events/",
    "/x/../dapr-kit/watch/events",
  ])
    expect((await sidecar.call("GET", path)).status).toBe(401);
});

test("no web page watches, nor anybody under another name, whatever the API allows", async () => {
  const sidecar = await startWatchable({ DAPR_ALLOWED_HOSTS: "*" }, [
    "--allowed-origins=*",
  ]);
  const others: Record<string, string>[] = [
    { origin: "https://evil.com" },
    { origin: "null" },
    { origin: "http://localhost" },
    { origin: `http://127.0.0.1:${sidecar.port}` },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-origin" },
    { host: "evil.com" },
    { host: "127.0.0.1.evil.com" },
    { host: "8.8.8.8" },
    { host: "sub.localhost" },
    { host: "[::2]" },
  ];
  for (const more of others)
    await isRefused(sidecar, { ...watchHeaders, ...more }, 403);
  const asked = await sidecar.call("OPTIONS", eventsPath, {
    headers: {
      origin: "https://evil.com",
      "access-control-request-method": "GET",
      "access-control-request-headers": "dapr-watch-token",
    },
  });
  expect(asked.status).toBe(403);
  for (const host of ["localhost", "127.0.0.1:1", "[::1]:3500", "LOCALHOST"])
    expect(
      (
        await sidecar.call("GET", keysPath, {
          headers: { ...watchHeaders, host },
        })
      ).status,
    ).toBe(200);
  const old = await rawCall(
    sidecar.port,
    `GET ${keysPath} HTTP/1.0\r\ndapr-watch-token: ${watchToken}\r\n\r\n`,
  );
  expect(old.status).toBe(403);
  const bare = await rawCall(
    sidecar.port,
    `GET ${keysPath} HTTP/1.1\r\nHost:\r\nconnection: close\r\ndapr-watch-token: ${watchToken}\r\n\r\n`,
  );
  expect(bare.status).toBe(403);
});

test("by default a page of another site gets what it gets of every path", async () => {
  const sidecar = await startWatchable();
  await isRefused(
    sidecar,
    { ...watchHeaders, origin: "https://evil.com" },
    403,
  );
  await isRefused(sidecar, { ...watchHeaders, host: "evil.com" }, 403);
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address?.family === "IPv4" && !address.internal)?.address;

(outside ? test : test.skip)(
  "nobody of another machine watches, nor makes the sidecar ask itself",
  async () => {
    const sidecar = await startWatchable({}, [
      "--dapr-listen-addresses=0.0.0.0",
    ]);
    const reply = await call(sidecar.port, "GET", keysPath, {
      host: outside!,
      headers: { ...watchHeaders, host: "localhost" },
    });
    expect(reply.status).toBe(403);
    const self = `http://127.0.0.1:${sidecar.port}`;
    const around = await sidecar.call(
      "GET",
      `/v1.0/invoke/${self}/method${keysPath}`,
      { headers: watchHeaders },
    );
    expect(around.status).toBe(403);
  },
);

test.each([undefined, "", "short"])(
  "with the token %j the paths are unknown ones",
  async (token) => {
    const sidecar = await startDaprd({
      env: { DAPR_WATCH_TOKEN: token },
      resources,
    });
    const headers = { "dapr-watch-token": token ?? "" };
    for (const path of [eventsPath, keysPath]) {
      const reply = await sidecar.call("GET", path, { headers });
      expect([reply.status, reply.json()]).toEqual([
        404,
        {
          errorCode: "ERR_DIRECT_INVOKE",
          message: expect.stringContaining(`GET ${path} is not in this API`),
        },
      ]);
    }
    const unknown = await sidecar.call("GET", "/v1.0/nothing/a");
    expect(unknown.text).not.toContain("watch");
    expect(sidecar.output().includes("DAPR_WATCH_TOKEN has fewer than")).toBe(
      token === "short",
    );
  },
);

test("the token is not asked for twice, and opens nothing else", async () => {
  const sidecar = await startWatchable({ DAPR_API_TOKEN: "api" });
  const keys = await sidecar.call("GET", keysPath, { headers: watchHeaders });
  expect(keys.status).toBe(200);
  await isRefused(sidecar, { "dapr-api-token": "api" }, 401);
  const get = await sidecar.call("GET", "/v1.0/metadata", {
    headers: watchHeaders,
  });
  expect(get.status).toBe(401);
});

test("the public port has no such paths", async () => {
  const { freePorts } = await import("../support/ports.ts");
  const [port] = (await freePorts(1)) as [number];
  await startWatchable({}, [`--dapr-public-port=${port}`]);
  const reply = await call(port, "GET", eventsPath, { headers: watchHeaders });
  expect(reply.status).toBe(404);
});

test("an app can't get the token as a secret", async () => {
  const sidecar = await startDaprd({
    env: watchable,
    resources: { "a.yaml": component("env", "secretstores.local.env") },
  });
  const replies = [
    await sidecar.call("GET", "/v1.0/secrets/env/DAPR_WATCH_TOKEN"),
    await sidecar.call("GET", "/v1.0/secrets/env/bulk"),
    await sidecar.call("GET", "/v1.0/metadata"),
  ];
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(JSON.stringify(replies)).not.toContain(watchToken);
  expect(sidecar.output()).not.toContain(watchToken);
});

test("no event has a secret, a token or a header's value", async () => {
  const folder = tempFolder("watching");
  const file = join(folder, "secrets.json");
  writeFileSync(
    file,
    '{"plain":"canary-1","odd":"canary-2","web":"http://127.0.0.1:9/canary-3"}',
  );
  const app = await startApp(() => ({
    status: 200,
    headers: { "x-answer": "canary-4", "set-cookie": "canary-5" },
  }));
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    env: {
      ...watchable,
      DAPR_API_TOKEN: "canary-6",
      APP_API_TOKEN: "canary-7",
    },
    resources: {
      "a.yaml": fileStore("vault", file),
      "b.yaml": embedded(),
      "c.yaml": component(
        "web",
        "bindings.http",
        { url: { secret: "web" } },
        { secretStore: "vault" },
      ),
    },
  });
  const watcher = await openWatcher(sidecar.port);
  const headers = {
    "dapr-api-token": "canary-6",
    authorization: "Bearer canary-8",
    cookie: "canary-9",
    "x-mine": "canary-10",
  };
  const ask = (method: string, path: string, body?: string) =>
    sidecar.call(method, path, {
      headers,
      ...(body !== undefined && { body }),
    });
  await ask("GET", "/v1.0/secrets/vault/plain");
  await ask("GET", "/v1.0/secrets/vault/odd?metadata.token=canary-11");
  await ask("GET", "/v1.0/secrets/vault/bulk");
  await ask("GET", "/v1.0/secrets/vault/none");
  await ask("POST", "/v1.0/bindings/orders", order(1));
  await ask("POST", "/v1.0/bindings/web", '{"operation":"get"}');
  await ask(
    "GET",
    "/v1.0/invoke/testapp/method/a?api_key=canary-12&%74oken=canary-13",
  );
  await ask("GET", "/v1.0/invoke/http://user:canary-14@127.0.0.1:9/method/a");
  await ask(
    "GET",
    "/v1.0/invoke/http%3A%2F%2Fuser%3Acanary-15%40127.0.0.1%3A9/method/a",
  );
  await sidecar.call("GET", "/a", {
    headers: { ...headers, "dapr-app-id": "http://user:canary-16@127.0.0.1:9" },
  });
  const api = openGrpc(sidecar.grpcPort);
  const metadata = headers;
  const { reply } = await api.call(
    "GetSecret",
    { storeName: "vault", key: "plain" },
    { metadata },
  );
  expect(JSON.stringify(reply)).toContain("canary-1");
  await api.call("GetBulkSecret", { storeName: "vault" }, { metadata });
  await api.call(
    "InvokeService",
    {
      id: "testapp",
      message: { method: "b?token=canary-17", httpExtension: { verb: "GET" } },
    },
    { metadata },
  );
  await api.call(
    "InvokeService",
    {
      id: "http://user:canary-18@127.0.0.1:9",
      message: {
        method: "c",
        httpExtension: { verb: "GET", querystring: "sig=canary-19" },
      },
    },
    { metadata },
  );
  await api.call("GetMetadata", {}, { metadata });
  await watcher.call("/dapr.proto.runtime.v1.Dapr/GetMetadata");
  await watcher.delivery("bindings");
  await waitFor(
    "both invocations",
    () =>
      watcher.deliveries().filter(({ from }) => from === "invoke").length === 2,
  );
  const told = watcher.calls().filter(({ block }) => block === "secrets");
  expect(
    told.map(({ door, response }) => [door, response?.hidden, response?.text]),
  ).toEqual(
    ["http", "http", "http", "http", "grpc", "grpc"].map((door) => [
      door,
      "it may hold a secret",
      undefined,
    ]),
  );
  expect(watcher.text()).not.toMatch(/canary/);
  for (const secret of ["canary-1", "canary-2"])
    expect(watcher.text()).not.toContain(
      Buffer.from(secret).toString("base64").slice(0, 8),
    );
  expect(watcher.text()).not.toContain(watchToken);
});

test("a secret that is asked by invocation of another sidecar is hidden, too", async () => {
  const file = join(tempFolder("watching"), "secrets.json");
  writeFileSync(file, '{"plain":"canary-1"}');
  const holder = await startDaprd({
    resources: { "a.yaml": fileStore("vault", file) },
  });
  // Its app is that sidecar.
  const sidecar = await startDaprd({
    appPort: holder.port,
    appId: "asking",
    until: "ready",
    env: watchable,
  });
  const watcher = await openWatcher(sidecar.port);
  const url = `http://127.0.0.1:${holder.port}`;
  const api = "v1.0/secrets/vault";
  const asked = [
    `/v1.0/invoke/${url}/method/${api}/plain`,
    `/v1.0/invoke/${encodeURIComponent(url)}/method/${api}/bulk`,
    `/v1.0/invoke/${url}/method/v1.0/%73ecrets/vault/plain`,
    `/v1.0/invoke/asking/method/${api}/plain`,
  ];
  for (const path of asked)
    expect((await sidecar.call("GET", path)).text).toContain("canary-1");
  const grpc = openGrpc(sidecar.grpcPort);
  for (const id of [url, "asking"]) {
    const { reply } = await grpc.call("InvokeService", {
      id,
      message: { method: `${api}/plain`, httpExtension: { verb: "GET" } },
    });
    expect(JSON.stringify(reply)).not.toBe("{}");
  }
  const invoked = () =>
    [...watcher.calls(), ...watcher.deliveries()].filter(
      (one) => one.type === "delivery" || one.block === "invoke",
    );
  // Each of the six calls, and two of them at the app, too.
  await waitFor("all to be told", () => invoked().length === 8);
  for (const { response } of invoked())
    expect(response?.hidden).toBe("it may hold a secret");
  expect(watcher.text()).not.toContain("canary-1");
  expect(watcher.text()).not.toContain(
    Buffer.from('{"plain":"canary-1"}').toString("base64").slice(0, 16),
  );
});

(canReadMemory ? test : test.skip)(
  "a watcher who never reads costs bounded memory, holds nobody up, and is told what is missing",
  async () => {
    const sidecar = await startWatchable();
    const value = "v".repeat(4000);
    const save = () =>
      sidecar.call("POST", "/v1.0/state/statestore", {
        body: items({ key: "a", value }),
      });
    const count = 10_000;
    const run = () =>
      inParallel(count, 20, async () =>
        expect((await save()).status).toBe(204),
      );
    // What the same calls take with nobody.
    await run();
    const before = memoryOf(sidecar.pid).peak;
    const slow = await openWatcher(sidecar.port);
    slow.pause();
    await run();
    expect(memoryOf(sidecar.pid).peak - before).toBeLessThan(30);
    slow.resume();
    await waitFor("what is missing to be told", () => slow.missed() > 0);
    await sidecar.call("GET", "/v1.0/healthz/outbound");
    const last = await slow.call("/v1.0/healthz/outbound");
    expect(Number(last.id)).toBeGreaterThan(count);
    const told = slow.events.filter(({ type }) => type === "call").length;
    expect(told + slow.missed()).toBe(Number(last.id));
  },
);

test("a watcher who leaves in the middle of a call is forgotten, and the call goes on", async () => {
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  const app = await startApp(async () => {
    await held;
    return { status: 200, body: "done" };
  });
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    env: watchable,
  });
  const watcher = await openWatcher(sidecar.port);
  const calling = sidecar.call("POST", "/v1.0/invoke/testapp/method/a", {
    body: "x",
  });
  await waitFor("the call", () => app.posts()[0]);
  watcher.leave();
  const next = await openWatcher(sidecar.port);
  answer();
  expect((await calling).text).toBe("done");
  expect(await next.call("/v1.0/invoke")).toMatchObject({ status: 200 });
  next.leave();
  for (let i = 0; i < 50; i++) (await openWatcher(sidecar.port)).leave();
  expect((await sidecar.call("GET", "/v1.0/healthz")).status).toBe(204);
});

(canReadMemory ? test : test.skip)(
  "a body of 100 MB streams as before while it is watched, and 4 KiB of it are told",
  async () => {
    const size = 100 * 1024 * 1024;
    const { createServer } = await import("node:http");
    const app = createServer((incoming, outgoing) => {
      outgoing.writeHead(200, { "content-type": "text/plain" });
      incoming.pipe(outgoing);
    });
    await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
    const { port } = app.address() as { port: number };
    try {
      const sidecar = await startDaprd({
        appPort: port,
        until: "ready",
        env: watchable,
        args: ["--max-body-size=1Mi"],
      });
      const watcher = await openWatcher(sidecar.port);
      const before = memoryOf(sidecar.pid).rss;
      expect(await echoed(sidecar.port, size)).toBe(size);
      expect(memoryOf(sidecar.pid).peak - before).toBeLessThan(80);
      const told = await watcher.call("/v1.0/invoke/testapp/method/echo");
      const delivery = await watcher.delivery("invoke");
      for (const { request: asked, response } of [told, delivery])
        for (const body of [asked!, response!]) {
          expect(body).toMatchObject({ bytes: size, isCut: true });
          expect(body.text).toBe("x".repeat(4096));
        }
    } finally {
      app.closeAllConnections();
      app.close();
    }
  },
);

/** Sends so many bytes, no faster than they are taken, and counts what comes back. */
function echoed(port: number, size: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(
      {
        host: "127.0.0.1",
        port,
        method: "POST",
        path: "/v1.0/invoke/testapp/method/echo",
        agent: false,
      },
      (answer) => {
        let bytes = 0;
        answer.on("data", (piece: Buffer) => (bytes += piece.length));
        answer.on("end", () => resolve(bytes));
        answer.on("error", reject);
      },
    );
    sending.on("error", reject);
    const piece = Buffer.alloc(64 * 1024, "x");
    let left = size;
    const go = () => {
      while (left > 0) {
        left -= piece.length;
        if (!sending.write(piece)) return void sending.once("drain", go);
      }
      sending.end();
    };
    go();
  });
}
