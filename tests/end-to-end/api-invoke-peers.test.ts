/** Invocation from one app to another through two sidecars: identity, access control, streams, broken connections (docs/protocol/invocation.md). */
import { writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startDaprd, stopAll } from "../support/daprd.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

const registry = { DAPR_REGISTRY_PATH: tempFolder("daprd-registry") };
const config = join(tempFolder("daprd-config"), "config.yaml");
writeFileSync(
  config,
  `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: closed
spec:
  accessControl:
    defaultAction: deny
    trustDomain: public
    policies:
      - appId: caller
        defaultAction: allow
        trustDomain: public
        namespace: default
`,
);

afterEach(async () => {
  await stopAll();
  await closeApps();
});

const startCaller = (env: Record<string, string> = {}) =>
  startDaprd({ appId: "caller", env: { ...registry, ...env } });
const startCallee = (
  appPort: number,
  args: string[] = [],
  env: Record<string, string> = {},
) =>
  startDaprd({
    appId: "callee",
    appPort,
    until: "ready",
    args,
    env: { ...registry, ...env },
  });

test("the callee's app gets the request, the caller's identity and its own token", async () => {
  const app = await startApp(() => ({
    status: 418,
    body: "no",
    headers: { "x-answer": "1" },
  }));
  const callee = await startCallee(app.port, [], {
    APP_API_TOKEN: "callee-app",
  });
  const caller = await startCaller({
    DAPR_API_TOKEN: "caller-api",
    APP_API_TOKEN: "caller-app",
  });
  const reply = await caller.call(
    "PUT",
    "/v1.0/invoke/callee/method/a/%2e%2e/b%20c?x=%2f",
    {
      headers: {
        "dapr-api-token": "caller-api",
        "dapr-caller-app-id": "liar",
        "x-forwarded-for": "1.2.3.4",
        "x-one": "1",
      },
      body: "hi",
    },
  );
  expect(reply).toMatchObject({ status: 418, text: "no" });
  expect(reply.headers).toMatchObject({
    "x-answer": "1",
    "content-type": "application/json",
    "content-length": "2",
  });
  expect(app.requests).toMatchObject([
    {
      method: "PUT",
      path: "/b%20c?x=%2f",
      body: "hi",
      headers: {
        host: `127.0.0.1:${app.port}`,
        "x-one": "1",
        "dapr-caller-app-id": "caller",
        "dapr-caller-namespace": "default",
        "dapr-callee-app-id": "callee",
        "dapr-api-token": "callee-app",
        "x-forwarded-for": expect.stringMatching(/^1\.2\.3\.4, /) as string,
        "x-forwarded-host": expect.any(String) as string,
        forwarded: expect.stringMatching(/^for=.*;by=.*;host=/) as string,
      },
    },
  ]);
  expect(JSON.stringify(app.requests)).not.toMatch(/caller-(api|app)"/);
  expect(callee.output()).not.toContain("caller-api");
});

test.each(["5", "0", undefined])(
  "the answer to HEAD through two sidecars has the app's Content-Length %s, or none",
  async (length) => {
    const server = createServer((_, outgoing) => {
      outgoing.removeHeader("content-length");
      outgoing.writeHead(200, length ? { "content-length": length } : {});
      outgoing.end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    await startCallee((server.address() as AddressInfo).port);
    const caller = await startCaller();
    const reply = await caller.call("HEAD", "/v1.0/invoke/callee/method/x");
    expect(reply.status).toBe(200);
    expect(reply.headers["content-length"]).toBe(length);
    await new Promise((done) => server.close(done));
  },
);

test("with access control, a caller without a certificate gets the default action, whatever it claims", async () => {
  const app = await startApp();
  await startCallee(app.port, [`--config=${config}`]);
  const caller = await startCaller();
  for (const path of ["a", "x/%2e%2e/a", "%61", "x%2f..%2fa"]) {
    const reply = await caller.call(
      "POST",
      `/v1.0/invoke/callee/method/${path}`,
    );
    expect(reply.status).toBe(403);
    expect(reply.json()).toEqual({
      errorCode: "ERR_DIRECT_INVOKE",
      message: expect.stringMatching(
        /^failed to invoke, id: callee, err: .*access control policy has denied access to id: unknown operation: a verb: POST$/,
      ) as string,
    });
  }
  expect(app.requests).toEqual([]);
});

test("an error of the callee's sidecar reaches the caller at once", async () => {
  const caller = await startCaller();
  const call = () => caller.call("POST", "/v1.0/invoke/callee/method/a");
  const app = await startApp();
  await startCallee(app.port);
  expect((await call()).status).toBe(200);
  await app.close();
  const gone = await call();
  expect(gone.status).toBe(500);
  expect(gone.text).toMatch(
    /failed to invoke, id: callee, err: .*could not be called: connect ECONNREFUSED/,
  );
});

test("events, a broken answer and a caller that leaves pass through both sidecars", async () => {
  let send: ((text: string) => void) | undefined;
  let closed = 0;
  const server = createServer((_, outgoing) => {
    outgoing.on("close", () => closed++);
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.flushHeaders();
    send = (text) => (text ? outgoing.write(text) : outgoing.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    await startCallee((server.address() as AddressInfo).port);
    const { port } = await startCaller();
    const open = () =>
      new Promise<IncomingMessage>((resolve, reject) => {
        request(
          {
            port,
            path: "/v1.0/invoke/callee/method/events",
            headers: { accept: "text/event-stream" },
            agent: false,
          },
          resolve,
        )
          .on("error", reject)
          .end();
      });
    const broken = (await open()).setEncoding("utf8");
    const events = broken[Symbol.asyncIterator]();
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      send!(event);
      expect((await events.next()).value).toBe(event);
    }
    send!("");
    await expect(events.next()).rejects.toThrow(/aborted|ECONNRESET/);
    closed = 0;
    (await open()).destroy();
    await waitFor("the app to be let go", () => closed === 1);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
