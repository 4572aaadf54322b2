/** A proxied call of which the app saw nothing is made again by another sidecar of the app, and what sidecars tell each other about that stays between them. */
import { constants, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { Metadata, status, type StatusObject } from "@grpc/grpc-js";
import type { Peer } from "../../runtime/contracts/name-resolver.ts";
import {
  connectEcho,
  echoMethods,
  startEcho,
  type EchoService,
} from "../support/echo-service.ts";
import { startGrpcSidecar, type GrpcSidecar } from "../support/grpc-sidecar.ts";
import { plainPolicies } from "../support/invocation-policies.ts";

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});
function kept<T extends { close(): unknown }>(one: T): T {
  opened.push(one);
  return one;
}

/** Another sidecar's end, or an app's: what it does with each call, once it has read so many bytes of it. */
async function startEnd(
  bytes: number,
  finish: (stream: ServerHttp2Stream) => void,
) {
  let asked = 0;
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    asked++;
    stream.on("error", () => {});
    let seen = 0;
    let isDone = false;
    stream.on("data", (chunk: Buffer) => {
      seen += chunk.length;
      if (seen < bytes || isDone) return;
      isDone = true;
      finish(stream);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return kept({
    port,
    peer: { host: "127.0.0.1", port },
    asked: () => asked,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  });
}

const refuse = (stream: ServerHttp2Stream) =>
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
const unsent = (stream: ServerHttp2Stream) =>
  stream.respond(
    {
      "content-type": "application/grpc",
      "grpc-status": "14",
      "grpc-message": "it is shutting down",
      "dapr-unsent": "true",
      "x-more": "1",
    },
    { endStream: true },
  );

let echo: EchoService;
let callee: GrpcSidecar;
beforeEach(async () => {
  echo = kept(await startEcho());
  callee = kept(await startGrpcSidecar({ appId: "echo", appPort: echo.port }));
});

const callerOf = async (...peers: Peer[]) =>
  kept(
    await startGrpcSidecar({
      appId: "caller",
      known: new Map([["echo", peers]]),
      policies: plainPolicies(1),
    }),
  );

function startChat(port: number) {
  const metadata = new Metadata();
  metadata.set("dapr-app-id", "echo");
  const call = kept(connectEcho(port)).makeBidiStreamRequest(
    echoMethods.chat.path,
    (sent: Buffer) => sent,
    (got: Buffer) => got,
    metadata,
  );
  const got: string[] = [];
  call.on("error", () => {}); // its status tells
  const first = new Promise<void>((resolve) =>
    call.on("data", (message: Buffer) => {
      got.push(message.toString());
      resolve();
    }),
  );
  const ended = new Promise<StatusObject>((resolve) =>
    call.once("status", resolve),
  );
  return { call, got, first, ended };
}

describe.each([
  ["resets it as refused", refuse],
  ["says that the app saw nothing", unsent],
])("a sidecar that %s", (_, finish) => {
  test("a unary call is made by another one", async () => {
    const away = await startEnd(10, finish);
    const { port } = await callerOf(away.peer, callee.peer);
    const { call, got, ended } = startChat(port);
    call.end(Buffer.from("hello"));
    expect(await ended).toMatchObject({ code: status.OK });
    expect(got).toEqual(["hello"]);
    expect(away.asked()).toBe(1);
    expect(echo.seen).toHaveLength(1);
  });

  test("so is a stream before its first answer, from its beginning and with what follows", async () => {
    const away = await startEnd(20, finish);
    const { port } = await callerOf(away.peer, callee.peer);
    const { call, got, first, ended } = startChat(port);
    for (const text of ["one", "two", "three"]) call.write(Buffer.from(text));
    await first;
    call.end(Buffer.from("four"));
    expect(await ended).toMatchObject({ code: status.OK });
    expect(got).toEqual(["one", "two", "three", "four"]);
    expect(away.asked()).toBe(1);
  });

  test("a call that has sent more than is kept is not, and fails once", async () => {
    const away = await startEnd(80 * 1024, finish);
    const { port } = await callerOf(away.peer, callee.peer);
    const { call, ended } = startChat(port);
    call.write(Buffer.alloc(100 * 1024));
    const { code, metadata } = await ended;
    expect(code).toBe(status.UNAVAILABLE);
    expect(metadata.get("dapr-unsent")).toEqual([]);
    expect(away.asked()).toBe(1);
    expect(echo.seen).toEqual([]);
  });

  test("if there is no other, its caller is told, without the word between sidecars", async () => {
    const away = await startEnd(10, finish);
    const known = Array.from({ length: 9 }, () => ({ ...away.peer }));
    const { port } = await callerOf(...known);
    const { call, ended } = startChat(port);
    call.end(Buffer.from("hello"));
    const { code, metadata } = await ended;
    expect(code).toBe(status.UNAVAILABLE);
    expect(metadata.get("dapr-unsent")).toEqual([]);
  });
});

test("an app that says so itself is not believed, and its word goes no further", async () => {
  const app = await startEnd(10, unsent);
  const sidecar = kept(
    await startGrpcSidecar({ appId: "echo", appPort: app.port }),
  );
  const { port } = await callerOf(sidecar.peer, callee.peer);
  const { call, ended } = startChat(port);
  call.end(Buffer.from("hello"));
  const { code, details, metadata } = await ended;
  expect([code, details]).toEqual([status.UNAVAILABLE, "it is shutting down"]);
  expect(metadata.getMap()).toMatchObject({ "x-more": "1" });
  expect(metadata.get("dapr-unsent")).toEqual([]);
  expect(echo.seen).toEqual([]);
});

test("a caller that does not ask for the word does not get it", async () => {
  const gone = await startEcho();
  await gone.close();
  const sidecar = kept(
    await startGrpcSidecar({ appId: "echo", appPort: gone.port }),
  );
  const client = kept(connectEcho(sidecar.peer.port));
  const ask = (asking: Record<string, string>) => {
    const metadata = new Metadata();
    metadata.set("dapr-callee-app-id", "echo");
    for (const [name, value] of Object.entries(asking))
      metadata.set(name, value);
    return new Promise<StatusObject>((resolve) =>
      client
        .makeUnaryRequest(
          echoMethods.unary.path,
          (sent: Buffer) => sent,
          (got: Buffer) => got,
          Buffer.from("x"),
          metadata,
          () => {},
        )
        .on("status", resolve),
    );
  };
  const plain = await ask({});
  expect(plain.code).toBe(status.UNAVAILABLE);
  expect(plain.metadata.get("dapr-unsent")).toEqual([]);
  // A name that the original's sidecar would pass on to its app is no way to ask.
  const passed = await ask({ "dapr-unsent": "true" });
  expect(passed.metadata.get("dapr-unsent")).toEqual([]);
  const asked = await ask({ "grpc-message-type": "dapr-unsent" });
  expect(asked.metadata.get("dapr-unsent")).toEqual(["true"]);
});

test("a callee whose app is gone lets another one take the call", async () => {
  const gone = await startEcho();
  await gone.close();
  const sidecar = kept(
    await startGrpcSidecar({ appId: "echo", appPort: gone.port }),
  );
  const { port } = await callerOf(sidecar.peer, callee.peer);
  const { call, got, ended } = startChat(port);
  call.end(Buffer.from("hello"));
  expect(await ended).toMatchObject({ code: status.OK });
  expect(got).toEqual(["hello"]);
});
