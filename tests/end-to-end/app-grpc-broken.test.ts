/** Apps over gRPC that answer with a status alone, or break off: what callers of both APIs are told, by one sidecar and through two. */
import {
  connect,
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  closeGrpc,
  nameOf,
  openGrpc,
  type GrpcApi,
} from "../support/grpc-api.ts";
import { tempFolder } from "../support/temp-folder.ts";

let server: Http2Server;
const sessions = new Set<ServerHttp2Session>();
let answer: (stream: ServerHttp2Stream) => void;

beforeAll(async () => {
  server = createServer({ maxSendHeaderBlockLength: 200_000 });
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume().on("end", () => answer(stream));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterEach(closeGrpc);
afterAll(async () => {
  await stopAll();
  for (const session of sessions) session.destroy();
  await new Promise((done) => server.close(done));
});

const grpc = { ":status": 200, "content-type": "application/grpc" };
const alone =
  (trailers: Record<string, string>) => (stream: ServerHttp2Stream) =>
    stream.respond({ ...grpc, ...trailers }, { endStream: true });
/** Half a message, of 100 bytes it says. */
const half = Buffer.from([0, 0, 0, 0, 100, 1, 2, 3]);
const afterHalf =
  (finish: (stream: ServerHttp2Stream) => void) =>
  (stream: ServerHttp2Stream) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.on("wantTrailers", () =>
      stream.sendTrailers({ "grpc-status": "0" }),
    );
    stream.write(half, () => finish(stream));
  };

describe.each(["its own sidecar", "two sidecars"])("by %s", (way) => {
  let caller: Daprd;
  let api: GrpcApi;
  beforeAll(async () => {
    const { port } = server.address() as AddressInfo;
    const env = { DAPR_REGISTRY_PATH: tempFolder("registry") };
    const callee = await startDaprd({
      appId: "callee",
      appPort: port,
      args: ["--app-protocol", "grpc"],
      until: "ready",
      env,
    });
    caller =
      way === "two sidecars"
        ? await startDaprd({ appId: "caller", env })
        : callee;
  });
  beforeEach(() => (api = openGrpc(caller.grpcPort)));

  /** InvokeService, and the same by HTTP. */
  async function outcomes() {
    const message = { method: "m", httpExtension: { verb: 3 } };
    const { code, text } = await api.call("InvokeService", {
      id: "callee",
      message,
    });
    const http = await caller.call("POST", "/v1.0/invoke/callee/method/m");
    return [nameOf(code), text, http.status, http.text] as const;
  }

  /** Of a service that the sidecars do not know. */
  function startStream() {
    const metadata = new Metadata();
    metadata.set("dapr-app-id", "callee");
    const asIs = (bytes: Buffer) => bytes;
    const call = api.client.makeBidiStreamRequest(
      "/test.Any/Any",
      asIs,
      asIs,
      metadata,
    );
    const failed = new Promise<ServiceError>((resolve) =>
      call.on("error", resolve),
    );
    return { call, failed };
  }

  test("a status alone is the answer", async () => {
    answer = alone({ "grpc-status": "5", "grpc-message": "no such order" });
    const [code, text, status, body] = await outcomes();
    expect([code, text, status]).toEqual(["NOT_FOUND", "no such order", 404]);
    expect(JSON.parse(body)).toEqual({ code: 5, message: "no such order" });
  });

  test.each<
    [string, (stream: ServerHttp2Stream) => void, string, number, RegExp]
  >([
    [
      "OK without a message",
      alone({ "grpc-status": "0" }),
      "INTERNAL",
      500,
      /the answer has no message/,
    ],
    [
      "an end in the middle of the message",
      afterHalf((stream) => stream.end()),
      "INTERNAL",
      500,
      /the answer ended within a message/,
    ],
    [
      "a reset in the middle of the message",
      afterHalf((stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)),
      "INTERNAL",
      500,
      /the call was reset with the HTTP\/2 error 2/,
    ],
    [
      "a connection that is cut in the middle of the message",
      afterHalf((stream) => stream.session!.destroy()),
      "UNAVAILABLE",
      503,
      /the app at grpc:\/\/\S+ was called and gave no whole answer: /,
    ],
  ])(
    "%s is an error, and the next call is not",
    async (_, broken, code, status, why) => {
      answer = broken;
      const [name, text, http, body] = await outcomes();
      expect([name, http]).toEqual([code, status]);
      expect(text).toMatch(why);
      expect(body).toMatch(why);
      answer = alone({ "grpc-status": "5" });
      expect((await outcomes())[0]).toBe("NOT_FOUND");
    },
  );

  test("a stream that is passed on breaks off where the app does", async () => {
    answer = afterHalf((stream) => stream.session!.destroy());
    const { call, failed } = startStream();
    call.write(Buffer.from("x"));
    call.resume().end();
    expect(nameOf((await failed).code)).toBe("UNAVAILABLE");
  });

  test("100 KB of metadata come with an answer that is passed on", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`name-${i}`, "x".repeat(1000)]),
    );
    answer = alone({ "grpc-status": "5", ...many });
    // The library takes less.
    const session = connect(`http://127.0.0.1:${caller.grpcPort}`, {
      settings: { maxHeaderListSize: 200_000 },
    });
    const stream = session.request({
      ":method": "POST",
      ":path": "/test.Any/Any",
      "content-type": "application/grpc",
      "dapr-app-id": "callee",
    });
    stream.end();
    const head = await new Promise<IncomingHttpHeaders>((resolve, reject) =>
      stream.once("response", resolve).once("error", reject),
    );
    expect(head).toMatchObject({ "grpc-status": "5", ...many });
    session.destroy();
  });

  test("a stream that is passed on without any message reaches the app", async () => {
    answer = alone({ "grpc-status": "5" });
    const { call, failed } = startStream();
    call.resume().end();
    expect(nameOf((await failed).code)).toBe("NOT_FOUND");
  });
});
