/** Apps call each other's gRPC services through their sidecars, as processes (docs/grpc.md). */
import { Metadata, status } from "@grpc/grpc-js";
import { echoCases } from "../contracts/echo-cases.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  connectEcho,
  echoMethods,
  startEcho,
  type EchoService,
} from "../support/echo-service.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";

const registry = { DAPR_REGISTRY_PATH: tempFolder("daprd-registry") };

const startCallee = (appPort: number, args: string[] = []) =>
  startDaprd({
    appId: "echo",
    appPort,
    until: "ready",
    env: { ...registry, APP_API_TOKEN: "apptoken" },
    args: ["--app-protocol=grpc", ...args],
  });
const startCaller = () => startDaprd({ appId: "caller", env: registry });
const lead = { "dapr-app-id": "echo" };
const metadata = () => {
  const made = new Metadata();
  made.set("dapr-app-id", "echo");
  return made;
};
const bytes = (value: Buffer) => value;

describe.each(["one", "two"])("%s", (count) => {
  let echo: EchoService;
  let sidecar: Daprd;
  beforeAll(async () => {
    echo = await startEcho();
    const callee = await startCallee(echo.port);
    sidecar = count === "one" ? callee : await startCaller();
  });
  afterAll(async () => {
    await stopAll();
    await echo.close();
  });
  echoCases(`through ${count} of the sidecars that ship`, () => ({
    port: sidecar.grpcPort,
    echo,
    lead,
  }));
});

describe("at the app", () => {
  let echo: EchoService;
  beforeEach(async () => (echo = await startEcho()));
  afterEach(async () => {
    await stopAll();
    await closeApps();
    await echo.close();
  });

  const chat = (port: number) => {
    const client = connectEcho(port);
    const call = client.makeBidiStreamRequest(
      echoMethods.hang.path,
      bytes,
      bytes,
      metadata(),
    );
    call.on("error", () => {}).on("close", () => client.close());
    return call;
  };

  test("its token goes along, the caller's does not", async () => {
    await startCallee(echo.port);
    const caller = await startCaller();
    const call = chat(caller.grpcPort);
    await new Promise((resolve) => call.once("data", resolve));
    expect(echo.seen[0]!.get("dapr-api-token")).toEqual(["apptoken"]);
    expect(echo.seen[0]!.get("dapr-caller-app-id")).toEqual(["caller"]);
    call.cancel();
  });

  test("--app-max-concurrency: an open stream takes no place of other calls", async () => {
    await startCallee(echo.port, ["--app-max-concurrency=1"]);
    const caller = await startCaller();
    const streams = [1, 2].map(() => chat(caller.grpcPort));
    for (const stream of streams)
      await new Promise((resolve) => stream.once("data", resolve));
    const path = "/v1.0/invoke/echo/method/none";
    const { status: code, text } = await caller.call("GET", path);
    // It is the app that says so.
    expect([code, text]).toEqual([
      501,
      expect.stringContaining("does not implement the method") as string,
    ]);
    for (const stream of streams) stream.cancel();
  });

  test.each(["one", "two"])(
    "it is lost in mid-stream, or not there: UNAVAILABLE, through %s",
    async (count) => {
      const callee = await startCallee(echo.port);
      const { grpcPort } = count === "one" ? callee : await startCaller();
      const call = chat(grpcPort);
      await new Promise((resolve) => call.once("data", resolve));
      const lost = new Promise((resolve) => call.once("error", resolve));
      echo.kill();
      expect(await lost).toMatchObject({ code: status.UNAVAILABLE });
      const away = chat(grpcPort);
      const error = await new Promise((resolve) => away.once("error", resolve));
      expect(error).toMatchObject({
        code: status.UNAVAILABLE,
        details: expect.stringContaining("ECONNREFUSED") as string,
      });
      echo = await startEcho(echo.port);
      const back = chat(grpcPort);
      await new Promise((resolve) => back.once("data", resolve));
      back.cancel();
    },
  );

  test("while it is unhealthy it gets no calls", async () => {
    // It serves no HealthCheck.
    await startCallee(echo.port, ["--enable-app-health-check"]);
    const caller = await startCaller();
    const call = chat(caller.grpcPort);
    const error = await new Promise((resolve) => call.once("error", resolve));
    expect(error).toMatchObject({
      code: status.INTERNAL,
      details: "app is not in a healthy state",
    });
    expect(echo.seen).toEqual([]);
  });

  test("an app that speaks HTTP is told so", async () => {
    const app = await startApp();
    const { grpcPort } = await startDaprd({
      appId: "echo",
      appPort: app.port,
      until: "ready",
      env: registry,
    });
    const client = connectEcho(grpcPort);
    const error = await new Promise((resolve) =>
      client.makeUnaryRequest(
        echoMethods.unary.path,
        bytes,
        bytes,
        Buffer.from("x"),
        metadata(),
        (failure) => resolve(failure),
      ),
    );
    client.close();
    expect(error).toMatchObject({
      code: status.INTERNAL,
      details: expect.stringContaining("--app-protocol grpc") as string,
    });
  });

  const withMemory = canReadMemory ? test : test.skip;
  withMemory(
    "100 MB there and back add at most 28 MB to each sidecar",
    async () => {
      const callee = await startCallee(echo.port);
      const caller = await startCaller();
      const client = connectEcho(caller.grpcPort);
      const piece = Buffer.alloc(64 * 1024, "x");
      const send = (count: number) =>
        new Promise<number>((resolve, reject) => {
          const call = client.makeBidiStreamRequest(
            echoMethods.chat.path,
            bytes,
            bytes,
            metadata(),
          );
          let received = 0;
          let left = count;
          call.on("data", (got: Buffer) => (received += got.length));
          call.on("error", reject);
          call.on("end", () => resolve(received));
          const more = () => {
            while (left > 0) {
              left--;
              if (!call.write(piece)) return void call.once("drain", more);
            }
            call.end();
          };
          more();
        });
      await send(16); // what is loaded with the first call is no part of it
      const both = [caller, callee];
      const before = both.map(({ pid }) => memoryOf(pid).rss);
      expect(await send(1600)).toBe(1600 * piece.length);
      const added = both.map(({ pid }, i) => memoryOf(pid).peak - before[i]!);
      client.close();
      expect(Math.max(...added)).toBeLessThan(28);
    },
  );
});
