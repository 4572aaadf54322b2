/** What only the gRPC API has: its own services, limits, compression, deadlines, tokens, log (docs/grpc.md). */
import { connect as connectHttp2 } from "node:http2";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { compressionAlgorithms, status } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import "protobufjs/ext/descriptor/index.js";
import { waitFor } from "../wait-for.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { closeGrpc, dapr, nameOf, openGrpc } from "../support/grpc-api.ts";
import { call as callFile } from "../support/http-file.ts";
import { AppError, closeGrpcApps, startGrpcApp } from "../support/grpc-app.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { stateStore } from "../support/state-store.ts";
import { tempFolder } from "../support/temp-folder.ts";

afterEach(closeGrpc);
afterEach(stopAll);
afterEach(closeApps);
afterEach(closeGrpcApps);

const resources = { "a.yaml": stateStore("state.in-memory") };
const storeName = "statestore";

/** An app that answers no call until `answer` is called. */
async function startSlowApp() {
  const answer = Promise.withResolvers<void>();
  const app = await startApp(async () => {
    await answer.promise;
    return { status: 200 };
  });
  return { app, answer: answer.resolve };
}

test("bytes that are not JSON come back unchanged", async () => {
  const sidecar = await startDaprd({ resources });
  const api = openGrpc(sidecar.grpcPort);
  const value = Buffer.from([0, 255, 128, 10]);
  await api.call("SaveState", { storeName, states: [{ key: "a", value }] });
  const { reply } = await api.call("GetState", { storeName, key: "a" });
  expect(reply!["data"]).toEqual(value);
});

test("several keys can be deleted at once", async () => {
  const sidecar = await startDaprd({ resources });
  const api = openGrpc(sidecar.grpcPort);
  const states = ["a", "b"].map((key) => ({ key, value: Buffer.from("1") }));
  await api.call("SaveState", { storeName, states });
  expect(
    await api.call("DeleteBulkState", { storeName, states }),
  ).toMatchObject({ code: 0 });
  const { reply } = await api.call("GetBulkState", {
    storeName,
    keys: ["a", "b"],
  });
  expect(reply!["items"]).toMatchObject([{ data: Buffer.alloc(0) }, {}]);
});

test("an error has the details of the catalogue", async () => {
  const sidecar = await startDaprd({ resources });
  const api = openGrpc(sidecar.grpcPort);
  const { code, details } = await api.call("GetState", {
    storeName,
    key: "a||b",
  });
  expect(nameOf(code)).toBe("INVALID_ARGUMENT");
  expect(details).toEqual([
    {
      "@type": "google.rpc.BadRequest",
      fieldViolations: [
        {
          field: "a||b",
          description: "input key/keyPrefix 'a||b' can't contain '||'",
        },
      ],
    },
    {
      "@type": "google.rpc.ResourceInfo",
      resourceType: "state",
      resourceName: storeName,
    },
    {
      "@type": "google.rpc.ErrorInfo",
      reason: "DAPR_STATE_ILLEGAL_KEY",
      domain: "dapr.io",
    },
  ]);
});

test("an app gets the caller's metadata, and its headers come back as metadata", async () => {
  const app = await startApp(() => ({
    status: 201,
    body: "made",
    headers: { "content-type": "text/plain", "x-app": "yes" },
  }));
  const sidecar = await startDaprd({ appPort: app.port, until: "ready" });
  const api = openGrpc(sidecar.grpcPort);
  const { header, reply } = await api.call(
    "InvokeService",
    {
      id: "testapp",
      message: {
        method: "a",
        data: { type_url: "x/y", value: Buffer.from("body") },
        httpExtension: { verb: "PUT" },
      },
    },
    { metadata: { "x-mine": "1" } },
  );
  expect(reply).toMatchObject({
    contentType: "text/plain",
    data: { value: Buffer.from("made") },
  });
  expect(header).toMatchObject({
    "dapr-http-status": "201",
    "dapr-content-type": "text/plain",
    "x-app": "yes",
  });
  expect(app.requests.at(-1)).toMatchObject({
    method: "PUT",
    path: "/a",
    body: "body",
    headers: {
      "content-type": "application/x-protobuf",
      "x-mine": "1",
      "dapr-caller-app-id": "testapp",
    },
  });
});

test("the error of a method still to come names its block, and an unknown method counts as a call of an app", async () => {
  const sidecar = await startDaprd();
  const api = openGrpc(sidecar.grpcPort);
  const outcome = async (method: string, service = dapr) => {
    const { code, text } = await api.call(method, {}, { service });
    return `${nameOf(code)} ${text}`;
  };
  for (const [method, block] of Object.entries({
    GetConfigurationAlpha1: "configuration is",
    TryLockAlpha1: "the distributed lock is",
    SubtleSignAlpha1: "cryptography is",
    ScheduleJob: "jobs are",
    ConverseAlpha2: "conversation is",
    StartWorkflowBeta1: "workflow is",
    InvokeActor: "actors are",
  }))
    expect(await outcome(method)).toBe(
      `UNIMPLEMENTED ${block} not in this version of the sidecar`,
    );
  expect(await outcome("NotThere")).toBe(
    "UNKNOWN failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
  );
});

test.each(["v1", "v1alpha"])(
  "reflection %s describes the API",
  async (version) => {
    const sidecar = await startDaprd();
    const api = openGrpc(sidecar.grpcPort);
    const answers = await api.stream(
      "ServerReflectionInfo",
      [
        { listServices: "" },
        { fileContainingSymbol: dapr },
        { fileByFilename: "nope.proto" },
        { fileContainingSymbol: `${dapr}.GetState` },
      ],
      { service: `grpc.reflection.${version}.ServerReflection` },
    );
    expect(answers).toMatchObject([
      {
        listServicesResponse: {
          service: expect.arrayContaining([{ name: dapr }]),
        },
      },
      {},
      { errorResponse: { errorCode: 5 } },
      {},
    ]);
    const { fileDescriptorProto } = answers[1]!["fileDescriptorResponse"] as {
      fileDescriptorProto: Buffer[];
    };
    // Another implementation (protobufjs) can build everything that a client needs from it.
    const root = (
      protobuf.Root as unknown as {
        fromDescriptor(set: { file: Buffer[] } | Buffer): protobuf.Root;
      }
    ).fromDescriptor(descriptorSet(fileDescriptorProto));
    const { GetState } = root.lookupService(dapr).methods;
    expect(
      (GetState!.resolve() as protobuf.Method).resolvedRequestType!.fields,
    ).toHaveProperty("store_name");
  },
);

/** Makes a FileDescriptorSet: the files are its field 1. */
const descriptorSet = (files: Buffer[]): Buffer => {
  const writer = protobuf.Writer.create();
  for (const file of files) writer.uint32(10).bytes(file);
  return Buffer.from(writer.finish());
};

test("the health service says whether the sidecar is ready", async () => {
  const { app, answer } = await startSlowApp();
  answer();
  const sidecar = await startDaprd({ appPort: app.port, until: "ready" });
  const api = openGrpc(sidecar.grpcPort);
  const check = (service: string) =>
    api.call("Check", { service }, { service: "grpc.health.v1.Health" });
  for (const service of ["", dapr])
    expect(await check(service)).toMatchObject({
      code: 0,
      reply: { status: "SERVING" },
    });
  expect(nameOf((await check("nope")).code)).toBe("NOT_FOUND");
});

test.each(["dapr-app-id", "dapr-callee-app-id"])(
  "the health of an app that the call names by %s is asked of the app",
  async (name) => {
    const { app, answer } = await startSlowApp();
    answer();
    const sidecar = await startDaprd({ appPort: app.port, until: "ready" });
    const api = openGrpc(sidecar.grpcPort);
    const { code, text } = await api.call(
      "Check",
      { service: "" },
      {
        service: "grpc.health.v1.Health",
        metadata: { [name]: "testapp" },
      },
    );
    expect(nameOf(code)).toBe("INTERNAL");
    expect(text).toContain("the app does not speak gRPC");
  },
);

test("InvokeService has no data where the app's answer has no body", async () => {
  const app = await startApp(({ path }) => ({
    status: path === "/none" ? 204 : 200,
  }));
  const sidecar = await startDaprd({ appPort: app.port, until: "ready" });
  const api = openGrpc(sidecar.grpcPort);
  for (const method of ["none", "empty"])
    expect(
      await api.call("InvokeService", {
        id: "testapp",
        message: { method, httpExtension: { verb: "GET" } },
      }),
    ).toMatchObject({ code: 0, reply: { data: null } });
});

test("InvokeService without an app id says so", async () => {
  const sidecar = await startDaprd();
  const api = openGrpc(sidecar.grpcPort);
  const { code, text } = await api.call("InvokeService", {
    id: "",
    message: { method: "a", httpExtension: { verb: "GET" } },
  });
  expect(nameOf(code)).toBe("INTERNAL");
  expect(text).toBe("failed to invoke, id: , err: app id is empty");
});

test("a message larger than --max-body-size is refused, in either direction", async () => {
  const max = 64 * 1024;
  const app = await startApp(({ path }) => ({
    status: 200,
    body: Buffer.alloc(Number(path.slice(1))),
  }));
  const sidecar = await startDaprd({
    resources,
    appPort: app.port,
    until: "ready",
    args: [`--max-body-size=${max}`],
  });
  const api = openGrpc(sidecar.grpcPort);
  /** Saves a value of so many bytes. The rest of the message has about `around` bytes. */
  const save = (bytes: number) =>
    api.call("SaveState", {
      storeName,
      states: [{ key: "a", value: Buffer.alloc(bytes) }],
    });
  const around = 26;
  expect(nameOf((await save(max - around)).code)).toBe("OK");
  const { code, text } = await save(max);
  expect(nameOf(code)).toBe("RESOURCE_EXHAUSTED");
  expect(text).toContain("larger than allowed");
  const invoke = (bytes: number) =>
    api.call("InvokeService", {
      id: "testapp",
      message: { method: `${bytes}`, httpExtension: { verb: "GET" } },
    });
  expect(nameOf((await invoke(max - around)).code)).toBe("OK");
  for (const bytes of [max, max + 1])
    expect(nameOf((await invoke(bytes)).code)).toBe("RESOURCE_EXHAUSTED");
});

test("gzip works in both directions", async () => {
  const sidecar = await startDaprd({ resources });
  const api = openGrpc(sidecar.grpcPort, {
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
  });
  const value = Buffer.alloc(100_000, "a");
  const saved = await api.call("SaveState", {
    storeName,
    states: [{ key: "a", value }],
  });
  expect(nameOf(saved.code)).toBe("OK");
  const { reply } = await api.call("GetState", { storeName, key: "a" });
  expect(reply!["data"]).toEqual(value);
});

test("an unknown compression is refused, and the answer lists the known ones", async () => {
  const sidecar = await startDaprd();
  const session = connectHttp2(`http://127.0.0.1:${sidecar.grpcPort}`);
  const stream = session.request({
    ":method": "POST",
    ":path": `/${dapr}/GetMetadata`,
    "content-type": "application/grpc",
    "grpc-encoding": "br",
  });
  const head = await new Promise<Record<string, unknown>>((resolve) =>
    stream.on("response", resolve),
  );
  expect(head).toMatchObject({
    "grpc-status": "12",
    "grpc-accept-encoding": "identity,gzip",
  });
  session.destroy();
});

test("a deadline also ends the app's call behind it", async () => {
  const { createServer } = await import("node:http");
  let hasBegun = false;
  const gone = Promise.withResolvers<void>();
  const app = createServer((request, response) => {
    if (!request.url!.startsWith("/slow")) return void response.end();
    hasBegun = true;
    response.on("close", () => gone.resolve());
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  const { port } = app.address() as { port: number };
  const sidecar = await startDaprd({ appPort: port, until: "ready" });
  const api = openGrpc(sidecar.grpcPort);
  const call = {
    id: "testapp",
    message: { method: "slow", httpExtension: { verb: "GET" } },
  };
  // On a busy machine a short deadline may pass before the app is called: then a longer one is tried.
  for (let ms = 300; !hasBegun; ms *= 2) {
    const deadline = Date.now() + ms;
    const { code } = await api.call("InvokeService", call, { deadline });
    expect(nameOf(code)).toBe("DEADLINE_EXCEEDED");
  }
  await gone.promise;
  app.close();
});

test("every call needs the API token", async () => {
  const sidecar = await startDaprd({ env: { DAPR_API_TOKEN: "secret" } });
  const api = openGrpc(sidecar.grpcPort);
  const services = { [dapr]: "GetMetadata", "grpc.health.v1.Health": "Check" };
  for (const [service, method] of Object.entries(services)) {
    for (const token of [undefined, "", "secre", "secret "]) {
      const metadata: Record<string, string> =
        token === undefined ? {} : { "dapr-api-token": token };
      const { code } = await api.call(method, {}, { service, metadata });
      // grpc-js removes spaces around a value.
      if (token !== "secret ") expect(nameOf(code)).toBe("UNAUTHENTICATED");
    }
    const metadata = { "dapr-api-token": "secret" };
    const { code } = await api.call(method, {}, { service, metadata });
    expect(nameOf(code)).toBe("OK");
  }
  expect(nameOf((await api.call("NotThere")).code)).toBe("UNAUTHENTICATED");
});

test("with API logging each call is logged", async () => {
  const sidecar = await startDaprd({
    resources,
    args: ["--enable-api-logging"],
  });
  const api = openGrpc(sidecar.grpcPort);
  await api.call("GetState", { storeName: "nope", key: "a" });
  await sidecar.logged("gRPC API Called");
  const line = sidecar
    .output()
    .split("\n")
    .find((one) => one.includes("gRPC API Called"));
  expect(line).toMatch(
    new RegExp(
      `code=3 duration=\\d+ .*method=/${dapr}/GetState scope=dapr.runtime.grpc.api-info .*useragent=grpc-node-js`,
    ),
  );
});

test("pings that come too often end the connection", async () => {
  const sidecar = await startDaprd();
  const session = connectHttp2(`http://127.0.0.1:${sidecar.grpcPort}`);
  session.on("error", () => {});
  const goodbye = new Promise<{ code: number; text: string }>((resolve) =>
    session.on("goaway", (code, _, data) =>
      resolve({ code, text: String(data) }),
    ),
  );
  const ended = new Promise<void>((resolve) => session.on("close", resolve));
  await new Promise<void>((resolve) => session.on("connect", () => resolve()));
  for (let i = 0; i < 5; i++) session.ping(() => {});
  // ENHANCE_YOUR_CALM of RFC 9113.
  expect(await goodbye).toEqual({ code: 11, text: "too_many_pings" });
  await ended;
  expect((await sidecar.call("GET", "/v1.0/healthz/outbound")).status).toBe(
    204,
  );
});

test("Unix domain sockets can be used instead of ports", async () => {
  const folder = tempFolder("sockets");
  const sidecar = await startDaprd({
    until: "nothing",
    args: ["--unix-domain-socket", folder],
  });
  await sidecar.logged("dapr initialized");
  const file = (door: string) => join(folder, `dapr-testapp-${door}.socket`);
  const api = openGrpc(`unix:${file("grpc")}`);
  const { code, reply } = await api.call("GetMetadata");
  expect(nameOf(code)).toBe("OK");
  expect(reply).toMatchObject({ id: "testapp" });
  expect(nameOf((await api.call("SetMetadata", { key: "a" })).code)).toBe("OK");
  expect(await callFile(file("http"), "/v1.0/healthz")).toBe(204);
  await expect(sidecar.call("GET", "/v1.0/healthz")).rejects.toThrow(
    "ECONNREFUSED",
  );
  api.close();
  expect((await sidecar.stop()).code).toBe(0);
  expect(existsSync(file("grpc"))).toBe(false);
});

test("a socket that a killed sidecar left is replaced", async () => {
  const folder = tempFolder("sockets");
  const args = ["--unix-domain-socket", folder];
  const first = await startDaprd({ until: "nothing", args });
  await first.logged("dapr initialized");
  first.child.kill("SIGKILL");
  await first.exited;
  const second = await startDaprd({ until: "nothing", args });
  await second.logged("dapr initialized");
  const third = await startDaprd({ until: "nothing", args });
  expect((await third.exited).code).toBe(1);
  expect(third.output()).toContain("EADDRINUSE");
});

test.each([false, true])(
  "Shutdown answers before the sidecar ends, forced: %s",
  async (forced) => {
    const sidecar = await startDaprd();
    const api = openGrpc(sidecar.grpcPort);
    const { code } = await api.call(
      "Shutdown",
      {},
      { metadata: forced ? { "dapr-force-shutdown": "true" } : {} },
    );
    expect(nameOf(code)).toBe("OK");
    api.close();
    expect((await sidecar.exited).code).toBe(forced ? 1 : 0);
  },
);

test("a call under way is answered before the sidecar ends, and a call that never ends does not delay the end", async () => {
  const { app, answer } = await startSlowApp();
  const sidecar: Daprd = await startDaprd({ appPort: app.port });
  const api = openGrpc(sidecar.grpcPort);
  const watching = openGrpc(sidecar.grpcPort).stream("Watch", [{}], {
    service: "grpc.health.v1.Health",
  });
  const watched = watching.catch((error: { code: number }) => error.code);
  const outcome = api.call("InvokeService", {
    id: "testapp",
    message: { method: "a", httpExtension: { verb: "GET" } },
  });
  await waitFor("the call", () =>
    app.requests.some(({ path }) => path === "/a"),
  );
  sidecar.child.kill("SIGTERM");
  await sidecar.logged("Dapr is shutting down");
  answer();
  expect(nameOf((await outcome).code)).toBe("OK");
  expect(nameOf((await watched) as number)).toBe("UNAVAILABLE");
  expect((await sidecar.exited).code).toBe(0);
});

describe.each(["its own sidecar", "two sidecars"])(
  "an app over gRPC, by %s",
  (way) => {
    test("answers InvokeService as itself: message, status, details, trailers", async () => {
      const any = {
        type_url: "type.googleapis.com/a.B",
        value: Buffer.from("p"),
      };
      const app = await startGrpcApp({
        async OnInvoke({ request, head, trailers }) {
          head.set("x-head", "h");
          trailers.set("x-tail", "t");
          if (request["method"] === "fail")
            throw new AppError(status.DATA_LOSS, "it is gone: é");
          return { data: any, contentType: "x/y" };
        },
      });
      const env = { DAPR_REGISTRY_PATH: tempFolder("registry") };
      const callee = await startDaprd({
        appId: "callee",
        appPort: app.port,
        args: ["--app-protocol", "grpc"],
        until: "ready",
        env,
      });
      const caller =
        way === "two sidecars"
          ? await startDaprd({ appId: "caller", env })
          : callee;
      const api = openGrpc(caller.grpcPort);
      const invoke = (method: string) =>
        api.call(
          "InvokeService",
          // No verb: an app over gRPC needs none.
          { id: "callee", message: { method, data: any } },
          { metadata: { "x-mine": "1" } },
        );
      const good = await invoke("do it");
      expect(nameOf(good.code)).toBe("OK");
      expect(good.reply).toMatchObject({ data: any });
      expect(good.header).toMatchObject({ "x-head": "h" });
      expect(good.header).not.toHaveProperty("dapr-http-status");
      expect(good.trailer).toMatchObject({ "x-tail": "t" });
      expect(app.callsOf("OnInvoke")[0]).toMatchObject({
        request: {
          method: "do it",
          data: any,
          httpExtension: { verb: 0 },
        },
      });
      expect(app.callsOf("OnInvoke")[0]!.metadata.get("x-mine")).toEqual(["1"]);
      const bad = await invoke("fail");
      expect(nameOf(bad.code)).toBe("DATA_LOSS");
      expect(bad.text).toBe("it is gone: é");
      expect(bad.trailer).toMatchObject({ "x-tail": "t" });
    });

    test("an app over HTTP refuses InvokeService without a verb", async () => {
      const app = await startApp();
      const env = { DAPR_REGISTRY_PATH: tempFolder("registry") };
      const callee = await startDaprd({
        appId: "callee",
        appPort: app.port,
        until: "ready",
        env,
      });
      const caller =
        way === "two sidecars"
          ? await startDaprd({ appId: "caller", env })
          : callee;
      const { code, text } = await openGrpc(caller.grpcPort).call(
        "InvokeService",
        { id: "callee", message: { method: "a" } },
      );
      expect(nameOf(code)).toBe("INTERNAL");
      expect(text).toContain("invalid HTTP verb");
      expect(app.requests.some(({ path }) => path === "/a")).toBe(false);
    });
  },
);
