/** gRPC calls of an app's own service, through one sidecar and through two. */
import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import type { Peer } from "../../runtime/contracts/name-resolver.ts";
import {
  connectEcho,
  echoMethods,
  startEcho,
  type EchoService,
} from "../support/echo-service.ts";
import { startGrpcSidecar, type GrpcSidecar } from "../support/grpc-sidecar.ts";
import { echoCases } from "./echo-cases.ts";

describe.each(["one", "two"])("%s", (count) => {
  let echo: EchoService;
  let sidecars: GrpcSidecar[];
  beforeAll(async () => {
    echo = await startEcho();
    const callee = await startGrpcSidecar({
      appId: "echo",
      appPort: echo.port,
    });
    const known = new Map([["echo", [callee.peer]]]);
    sidecars = [callee, await startGrpcSidecar({ appId: "caller", known })];
  });
  afterAll(async () => {
    await echo.close();
    for (const sidecar of sidecars) await sidecar.close();
  });
  echoCases(`through ${count}`, () => ({
    port: sidecars[count === "one" ? 0 : 1]!.port,
    echo,
    lead: { "dapr-app-id": "echo" },
  }));
});

describe("who is called, and with what", () => {
  const opened: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });
  const start = async (options: Parameters<typeof startGrpcSidecar>[0]) => {
    const sidecar = await startGrpcSidecar(options);
    opened.push(sidecar);
    return sidecar;
  };
  const service = async () => {
    const echo = await startEcho();
    opened.push(echo);
    return echo;
  };
  const call = async (port: number, headers: Record<string, string>) => {
    const client = connectEcho(port);
    opened.push(client);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers))
      metadata.set(name, value);
    return new Promise<{ error: ServiceError | null; text?: string }>(
      (resolve) =>
        client.makeUnaryRequest(
          echoMethods.unary.path,
          (sent: Buffer) => sent,
          (got: Buffer) => got,
          Buffer.from("hello"),
          metadata,
          (error, value) => resolve({ error, text: value?.toString() }),
        ),
    );
  };
  /** A caller's sidecar that finds `echo` at these addresses. */
  const caller = (...peers: Peer[]) =>
    start({
      appId: "caller",
      known: new Map([["echo", peers]]),
      hasApiToken: true,
    });

  test("the app learns caller and callee, and a caller's own claims and token are dropped", async () => {
    const echo = await service();
    const callee = await start({ appId: "echo", appPort: echo.port });
    const { port } = await caller(callee.peer);
    const { text } = await call(port, {
      "dapr-app-id": "echo",
      "dapr-caller-app-id": "admin",
      "dapr-caller-namespace": "kube-system",
      "dapr-api-token": "secret",
    });
    expect(text).toBe("hello");
    expect(echo.seen[0]!.getMap()).toMatchObject({
      "dapr-caller-app-id": "caller",
      "dapr-caller-namespace": "default",
      "dapr-callee-app-id": "echo",
    });
    expect(echo.seen[0]!.get("dapr-api-token")).toEqual([]);
    expect(echo.seen[0]!.get("dapr-app-id")).toEqual([]);
  });

  test("dapr-callee-app-id wins over dapr-app-id", async () => {
    const echo = await service();
    const callee = await start({ appId: "echo", appPort: echo.port });
    const { port } = await caller(callee.peer);
    const { text } = await call(port, {
      "dapr-callee-app-id": "echo",
      "dapr-app-id": "nobody",
    });
    expect(text).toBe("hello");
  });

  const closed = {
    defaultAction: "deny" as const,
    trustDomain: "public",
    policies: [],
  };
  test.each<[string, Record<string, string>, number, RegExp]>([
    [
      "no app id",
      {},
      status.UNKNOWN,
      /^failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found$/,
    ],
    [
      "an app that nobody knows",
      { "dapr-app-id": "nobody" },
      status.UNKNOWN,
      /^couldn't find service: nobody; is its sidecar running\?$/,
    ],
    [
      "an id that is none",
      { "dapr-app-id": "a.b.c" },
      status.UNKNOWN,
      /^invalid app id a\.b\.c$/,
    ],
    [
      "a caller's app that it has not",
      { "dapr-app-id": "caller" },
      status.INTERNAL,
      /^app channel is not initialized$/,
    ],
    [
      "a callee that denies",
      { "dapr-app-id": "echo" },
      status.PERMISSION_DENIED,
      /denied access to id: unknown operation: \/test\.Echo\/Unary verb: NONE$/,
    ],
  ])("%s", async (_name, headers, code, details) => {
    const echo = await service();
    const callee = await start({
      appId: "echo",
      appPort: echo.port,
      accessControl: closed,
    });
    const { port } = await caller(callee.peer);
    const { error } = await call(port, headers);
    expect(error).toMatchObject({
      code,
      details: expect.stringMatching(details) as string,
    });
    expect(echo.seen).toEqual([]);
  });

  test("the app's own calls to itself are not denied", async () => {
    const echo = await service();
    const { port } = await start({
      appId: "echo",
      appPort: echo.port,
      accessControl: closed,
    });
    expect((await call(port, { "dapr-app-id": "echo" })).text).toBe("hello");
  });

  test("if one sidecar cannot be reached and there is another, no call fails", async () => {
    const echo = await service();
    const gone = await startGrpcSidecar({ appId: "echo", appPort: echo.port });
    await gone.close();
    const callee = await start({ appId: "echo", appPort: echo.port });
    const { port } = await caller(gone.peer, callee.peer);
    expect((await call(port, { "dapr-app-id": "echo" })).text).toBe("hello");
  });

  test("a sidecar that is shutting down still takes the calls that reach it, and running calls are completed", async () => {
    const echo = await service();
    const callee = await startGrpcSidecar({
      appId: "echo",
      appPort: echo.port,
    });
    const { port } = await caller(callee.peer);
    const client = connectEcho(port);
    opened.push(client);
    const metadata = new Metadata();
    metadata.set("dapr-app-id", "echo");
    const stream = client.makeBidiStreamRequest(
      echoMethods.chat.path,
      (sent: Buffer) => sent,
      (got: Buffer) => got,
      metadata,
    );
    const next = () =>
      new Promise<string>((resolve) =>
        stream.once("data", (got: Buffer) => resolve(got.toString())),
      );
    const before = next();
    stream.write(Buffer.from("before"));
    expect(await before).toBe("before");
    callee.leave();
    expect((await call(port, { "dapr-app-id": "echo" })).text).toBe("hello");
    const closed = callee.close();
    const after = next();
    stream.write(Buffer.from("after"));
    expect(await after).toBe("after");
    const ended = new Promise<{ code: number }>((resolve) =>
      stream.once("status", resolve),
    );
    stream.end();
    expect((await ended).code).toBe(status.OK);
    await closed;
  });

  test("a sidecar refuses calls for another app", async () => {
    const echo = await service();
    const callee = await start({ appId: "echo", appPort: echo.port });
    const { error } = await call(callee.peer.port, {
      "dapr-callee-app-id": "other",
    });
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "this is the sidecar of echo, and passes on no calls for other",
    });
  });
});
