/** Callers by HTTP of an app that speaks gRPC (docs/protocol/invocation.md), by its own sidecar and through two. */
import { request } from "node:http";
import {
  Client,
  credentials,
  Metadata,
  status,
  type ServiceError,
} from "@grpc/grpc-js";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  AppError,
  closeGrpcApps,
  startGrpcApp,
  type AppMethods,
} from "../support/grpc-app.ts";
import { serviceOf, type Message } from "../support/proto-services.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { hasOpenssl, makeCertificates } from "../support/tls.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  await stopAll();
  await closeGrpcApps();
  await closeApps();
});

const dapr = serviceOf(
  "dapr/proto/runtime/v1/dapr.proto",
  "dapr.proto.runtime.v1.Dapr",
);

interface GrpcAnswer {
  error: ServiceError | null;
  response: Message | undefined;
  head: Metadata | undefined;
  trailers: Metadata;
}

async function invokeOverGrpc(
  port: number,
  request: Message,
  metadata = new Metadata(),
): Promise<GrpcAnswer> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } =
    dapr["InvokeService"]!;
  let head: Metadata | undefined;
  const trailers = Promise.withResolvers<Metadata>();
  const answer = await new Promise<Pick<GrpcAnswer, "error" | "response">>(
    (resolve) => {
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        (error, response) =>
          resolve({ error, response: response as Message | undefined }),
      );
      call.on("metadata", (metadata) => (head = metadata));
      call.on("status", ({ metadata }) => trailers.resolve(metadata));
    },
  );
  client.close();
  return { ...answer, head, trailers: await trailers.promise };
}

interface Data {
  type_url: string;
  value: Buffer;
}
/** What the app answers, by the method that is called. */
const answers: AppMethods = {
  async OnInvoke({ request, head, trailers, cancelled }) {
    const method = request["method"] as string;
    const [, code] = /^fail(\d+)$/.exec(method) ?? [];
    trailers.set("x-tail", "t");
    if (code) throw new AppError(Number(code), `it failed: caf\u00e9 ${code}`);
    head.set("x-head", "h");
    head.set("x-raw-bin", Buffer.from([1]));
    if (method === "fail after its head")
      throw new AppError(status.NOT_FOUND, "none such");
    if (method === "typed")
      return {
        data: { type_url: "type.googleapis.com/a.B", value: Buffer.from("p") },
        contentType: "text/csv",
      };
    if (method === "nothing") return {};
    if (method === "untyped") return { data: { value: Buffer.from("{}") } };
    if (method === "never") await cancelled;
    if (method === "one byte more")
      return { data: { value: Buffer.alloc(4 * 1024 * 1024 + 1) } };
    if (method === "big")
      return { data: { value: Buffer.alloc(5 * 1024 * 1024) } };
    const { value } = request["data"] as Data;
    return { data: { value }, contentType: "text/plain; charset=utf-8" };
  },
};

const ways = [
  ["its own sidecar", false],
  ["two sidecars", true],
] as const;

describe.each(ways)("through %s", (_, isRemote) => {
  const start = async (methods = answers, env: Record<string, string> = {}) => {
    const app = await startGrpcApp(methods);
    const registry = { DAPR_REGISTRY_PATH: tempFolder("daprd-registry") };
    const callee = await startDaprd({
      appId: "callee",
      appPort: app.port,
      until: "ready",
      args: ["--app-protocol=grpc"],
      env: { ...registry, ...env },
    });
    const caller = isRemote
      ? await startDaprd({ appId: "caller", env: registry })
      : callee;
    return { app, caller, callee };
  };
  const invoke = (
    caller: Daprd,
    path: string,
    {
      method = "GET",
      ...more
    }: Parameters<Daprd["call"]>[2] & {
      method?: string;
    } = {},
  ) => caller.call(method, `/v1.0/invoke/callee/method/${path}`, more);

  test("the app gets verb, method, query, body, type and headers, and its token", async () => {
    const { app, caller } = await start(answers, {
      APP_API_TOKEN: "app-secret",
    });
    const reply = await invoke(caller, "a/%2e%2e/b%20c?x=1&y=%20", {
      method: "PUT",
      body: "hi",
      headers: {
        "content-type": "text/plain",
        "x-one": ["1", "2"],
        cookie: "a=b",
        accept: "*/*",
        "user-agent": "me",
        "grpc-timeout": "1S",
        "x-raw-bin": "AA==",
        "dapr-api-token": "forged",
        "x-utf8": Buffer.from("\u6f22").toString("latin1"),
      },
    });
    expect(reply.status).toBe(200);
    const [{ request, metadata }] = app.calls as [(typeof app.calls)[0]];
    expect(request).toMatchObject({
      method: "b c",
      contentType: "text/plain",
      httpExtension: { verb: 4, querystring: "x=1&y=%20" },
    });
    const data = request["data"] as Data;
    expect(data.type_url).toBe("");
    expect(data.value.toString()).toBe("hi");
    const all = metadata.getMap();
    expect(all).toMatchObject({
      "x-one": "1, 2",
      "dapr-cookie": "a=b",
      "dapr-accept": "*/*",
      "dapr-content-length": "2",
      "dapr-content-type": "text/plain",
      "dapr-grpc-timeout": "1S",
      "dapr-api-token": "app-secret",
      "dapr-callee-app-id": "callee",
      "dapr-caller-app-id": isRemote ? "caller" : "callee",
    });
    for (const name of ["cookie", "x-raw-bin", "x-utf8", "content-length"])
      expect(all).not.toHaveProperty([name]);
    expect(all["user-agent"]).not.toContain("me");
  });

  test("the caller gets the app's bytes, type and metadata", async () => {
    const { caller } = await start();
    const reply = await invoke(caller, "echo", {
      method: "POST",
      body: "caf\u00e9",
    });
    expect(reply).toMatchObject({ status: 200, text: "caf\u00e9" });
    expect(reply.headers).toMatchObject({
      "content-type": "text/plain; charset=utf-8",
      "content-length": "5",
      "x-head": "h",
    });
    for (const name of ["x-raw-bin", "x-tail", "grpc-status"])
      expect(reply.headers).not.toHaveProperty([name]);

    const typed = await invoke(caller, "typed");
    expect(typed.headers["content-type"]).toBe("application/x-protobuf");
    expect(typed.text).toBe("p");
    const untyped = await invoke(caller, "untyped");
    expect(untyped).toMatchObject({ status: 200, text: "{}" });
    const nothing = await invoke(caller, "nothing");
    expect(nothing).toMatchObject({ status: 200, text: "" });
    const head = await invoke(caller, "echo", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, text: "" });
  });

  test("a status of gRPC becomes one of HTTP, with the code and the text as JSON", async () => {
    const { caller } = await start();
    // The original's sidecar answers so.
    const statuses = {
      [status.CANCELLED]: 408,
      [status.UNKNOWN]: 500,
      [status.INVALID_ARGUMENT]: 400,
      [status.DEADLINE_EXCEEDED]: 504,
      [status.NOT_FOUND]: 404,
      [status.ALREADY_EXISTS]: 409,
      [status.PERMISSION_DENIED]: 403,
      [status.RESOURCE_EXHAUSTED]: 429,
      [status.FAILED_PRECONDITION]: 400,
      [status.ABORTED]: 409,
      [status.OUT_OF_RANGE]: 400,
      [status.UNIMPLEMENTED]: 501,
      [status.INTERNAL]: 500,
      [status.UNAVAILABLE]: 503,
      [status.DATA_LOSS]: 500,
      [status.UNAUTHENTICATED]: 401,
      17: 500,
    };
    const seen: Record<string, number> = {};
    for (const code of Object.keys(statuses)) {
      const reply = await invoke(caller, `fail${code}`);
      seen[code] = reply.status;
      expect(reply.headers["content-type"]).toBe("application/json");
      expect(reply.json()).toEqual({
        code: Number(code),
        message: `it failed: caf\u00e9 ${code}`,
      });
    }
    expect(seen).toEqual(statuses);
    const late = await invoke(caller, "fail%20after%20its%20head");
    expect(late.status).toBe(404);
    expect(late.headers["x-head"]).toBe("h");
    expect(late.json()).toEqual({ code: 5, message: "none such" });
  });

  test("a caller by gRPC gets the app's own status, details, trailers and metadata", async () => {
    const { app, caller } = await start({
      async OnInvoke(call) {
        const { request, trailers, head } = call;
        trailers.set("x-tail", "t");
        head.set("x-head", "h");
        head.set("x-head-bin", Buffer.from([0, 255]));
        trailers.add("x-tail-bin", Buffer.from([1]));
        trailers.add("x-tail-bin", Buffer.from([2, 3]));
        if (request["method"] !== "fail")
          return { data: { value: Buffer.from("good") }, contentType: "a/b" };
        trailers.set("grpc-status-details-bin", details);
        throw new AppError(status.ABORTED, "too late");
      },
    });
    // google.rpc.Status{code: 10, message: "too late", details: [Any{type_url: "t/a", value: "why"}]}
    const details = Buffer.concat([
      Buffer.from([8, 10, 18, 8]),
      Buffer.from("too late"),
      Buffer.from([26, 10, 10, 3]),
      Buffer.from("t/a"),
      Buffer.from([18, 3]),
      Buffer.from("why"),
    ]);
    const metadata = new Metadata();
    metadata.add("x-raw-bin", Buffer.from([0, 255]));
    metadata.add("x-raw-bin", Buffer.from([7]));
    metadata.add("grpc-trace-bin", Buffer.from([0]));
    const invokeService = (method: string, httpExtension?: object) =>
      invokeOverGrpc(
        caller.grpcPort,
        {
          id: "callee",
          message: { method, contentType: "text/plain", httpExtension },
        },
        metadata,
      );
    for (const extension of [undefined, { verb: 3 }]) {
      const good = await invokeService("a/b", extension);
      expect(good.error).toBeNull();
      expect(good.response).toMatchObject({ contentType: "a/b" });
      expect(good.head?.get("x-head")).toEqual(["h"]);
      expect(good.head?.get("dapr-http-status")).toEqual([]);
      expect(good.head?.get("x-head-bin")).toEqual([Buffer.from([0, 255])]);
      expect(good.head?.get("dapr-content-type")).toEqual([]);
      expect(good.head?.get("dapr-content-length")).toEqual([]);
      expect(good.trailers.get("x-tail")).toEqual(["t"]);
      expect(good.trailers.get("x-tail-bin")).toEqual([
        Buffer.from([1]),
        Buffer.from([2, 3]),
      ]);
    }
    expect(app.calls[0]!.request["method"]).toBe("a/b");
    expect(app.calls[0]!.metadata.get("x-raw-bin")).toEqual([
      Buffer.from([0, 255]),
      Buffer.from([7]),
    ]);
    expect(app.calls[0]!.metadata.get("grpc-trace-bin")).toEqual([
      Buffer.from([0]),
    ]);
    const overHttp = await invoke(caller, "fail");
    expect(overHttp.json()).toEqual({
      code: 10,
      message: "too late",
      details: [
        { "@type": "t/a", value: Buffer.from("why").toString("base64") },
      ],
    });
    const bad = await invokeService("fail");
    expect(bad.error).toMatchObject({
      code: status.ABORTED,
      details: "too late",
    });
    expect(bad.head?.get("x-head")).toEqual(["h"]);
    expect(bad.head?.get("dapr-content-type")).toEqual([]);
    expect(bad.trailers.get("x-tail")).toEqual(["t"]);
    expect(bad.trailers.get("x-tail-bin")).toHaveLength(2);
    expect(bad.trailers.get("grpc-status-details-bin")).toEqual([details]);
  });

  test("an app without OnInvoke answers 501", async () => {
    const { caller } = await start({});
    const reply = await invoke(caller, "a");
    expect(reply.status).toBe(501);
    expect(reply.json()).toMatchObject({ code: status.UNIMPLEMENTED });
  });

  test("a message that is too large is refused, either way, and the next is not", async () => {
    const { caller, app } = await start();
    const reply = await invoke(caller, "big");
    expect(reply.status).toBe(429);
    expect(reply.json()).toEqual({
      code: 8,
      message: expect.stringContaining("larger than allowed") as string,
    });
    const sent = await invoke(caller, "echo", {
      method: "POST",
      body: Buffer.alloc(5 * 1024 * 1024),
    });
    expect(sent.status).toBe(500);
    expect(sent.json()).toMatchObject({
      errorCode: "ERR_DIRECT_INVOKE",
      message: expect.stringContaining(
        "the body is larger than 4194304 bytes",
      ) as string,
    });
    expect(app.calls).toHaveLength(1);
    const large = Buffer.alloc(3 * 1024 * 1024, "x");
    const whole = await invoke(caller, "echo", { method: "POST", body: large });
    expect(whole.text.length).toBe(large.length);
  });

  test("a body of exactly the limit is none too large, either way; one byte more is", async () => {
    const { caller, app } = await start();
    const most = 4 * 1024 * 1024;
    const whole = await invoke(caller, "echo", {
      method: "POST",
      body: Buffer.alloc(most, "x"),
    });
    expect([whole.status, whole.text.length]).toEqual([200, most]);
    const more = await invoke(caller, "echo", {
      method: "POST",
      body: Buffer.alloc(most + 1, "x"),
    });
    expect(more.status).toBe(500);
    expect(more.text).toContain("the body is larger than 4194304 bytes");
    expect(app.calls).toHaveLength(1);
    const answer = await invoke(caller, "one%20byte%20more");
    expect(answer.status).toBe(429);
    expect(answer.json()).toEqual({
      code: 8,
      message:
        "the app's answer is larger than allowed (4194305 of 4194304 bytes)",
    });
    // Over gRPC the limit is that of the message, as in the original.
    const over = (body: Buffer) =>
      invokeOverGrpc(caller.grpcPort, {
        id: "callee",
        message: { method: "untyped", data: { value: body } },
      });
    expect((await over(Buffer.alloc(most - 100))).error).toBeNull();
    expect((await over(Buffer.alloc(most))).error).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
  });

  test("a caller that leaves ends the app's call", async () => {
    const { caller, app } = await start();
    const impatient = request({
      port: caller.port,
      path: "/v1.0/invoke/callee/method/never",
    });
    impatient.on("error", () => {}).end(); // its own doing
    const call = await waitFor("the app to be asked", () => app.calls[0]);
    impatient.destroy();
    await call.cancelled;
  });

  test("an app that dies in mid-call, and one that is not there, are UNAVAILABLE, as if they said so", async () => {
    const { caller, app } = await start();
    const lost = invoke(caller, "never", { method: "POST", body: "1" });
    await waitFor("the app to be asked", () => app.calls[0]);
    await app.close();
    expect((await lost).json()).toMatchObject({
      code: status.UNAVAILABLE,
      message: expect.stringMatching(
        /the app at grpc:\/\/127\.0\.0\.1:\d+ was called and gave no whole answer: /,
      ) as string,
    });
    expect((await lost).status).toBe(503);
    const away = await invoke(caller, "echo", { method: "POST", body: "1" });
    expect(away.status).toBe(503);
    expect(away.json()).toEqual({
      code: status.UNAVAILABLE,
      message: expect.stringContaining("ECONNREFUSED") as string,
    });
    const { error } = await invokeOverGrpc(caller.grpcPort, {
      id: "callee",
      message: { method: "echo" },
    });
    expect(error).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining("ECONNREFUSED") as string,
    });
    await startGrpcApp(answers, app.port);
    expect((await invoke(caller, "echo")).status).toBe(200);
  });
});

test("--app-max-concurrency counts invocations, and --app-ssl is grpcs", async () => {
  const waiting: (() => void)[] = [];
  const app = await startGrpcApp({
    OnInvoke: () => new Promise((done) => waiting.push(() => done({}))),
  });
  const sidecar = await startDaprd({
    appPort: app.port,
    until: "ready",
    args: ["--app-protocol=grpc", "--app-max-concurrency=1"],
  });
  const headers = { "dapr-app-id": "testapp" };
  const calls = [1, 2].map(() => sidecar.call("GET", "/a", { headers }));
  (await waitFor("the first call", () => waiting.shift()))();
  (await waitFor("the second call", () => waiting.shift()))();
  for (const call of calls) expect((await call).status).toBe(200);
  const { appConnectionProperties } = (
    await sidecar.call("GET", "/v1.0/metadata")
  ).json() as { appConnectionProperties: object };
  expect(appConnectionProperties).toMatchObject({
    port: app.port,
    protocol: "grpc",
    maxConcurrency: 1,
  });

  const withTls = await startDaprd({
    appPort: app.port,
    until: "ready",
    args: ["--app-protocol=grpc", "--app-ssl"],
  });
  await withTls.logged("application protocol: grpcs. waiting on port");
  const reply = await withTls.call("GET", "/a", { headers });
  expect(reply.status).toBe(503);
  expect(reply.text).toContain(
    `the server at grpcs://127.0.0.1:${app.port} did not answer with TLS`,
  );
});

describe("another protocol than the one that is said", () => {
  const askAt = async (appPort: number) => {
    const sidecar = await startDaprd({
      appPort,
      until: "ready",
      args: ["--app-protocol=grpc"],
    });
    const headers = { "dapr-app-id": "testapp" };
    return sidecar.call("GET", "/a", { headers });
  };
  const told = {
    status: 503,
    text: expect.stringContaining(
      "does it speak gRPC without TLS, as --app-protocol says?",
    ) as string,
  };

  test("of an app over HTTP is told", async () => {
    expect(await askAt((await startApp()).port)).toMatchObject(told);
  });

  (hasOpenssl ? test : test.skip)("of an app with TLS is told", async () => {
    const tls = makeCertificates(tempFolder("app-tls"));
    const app = await startGrpcApp({ OnInvoke: () => ({}) }, 0, tls);
    expect(await askAt(app.port)).toMatchObject(told);
  });
});
