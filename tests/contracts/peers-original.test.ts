/** Calls of the original's sidecars are understood, and invalid ones are refused (docs/protocol/sidecars.md). */
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  status,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServiceError,
} from "@grpc/grpc-js";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type {
  ForwardReply,
  ForwardRequest,
  Peers,
} from "../../runtime/contracts/invocation.ts";
import { openPeers } from "../support/peers.ts";
import {
  callLocal,
  decodeRequestPart,
  decodeResponsePart,
} from "../../runtime/peers/grpc/service.ts";
import { decodeMessage, encodeMessage } from "../../runtime/proto/codec.ts";
import {
  InternalInvokeRequestStream,
  InternalInvokeResponseStream,
  Status,
  type InternalInvokeRequest,
  type InternalInvokeResponse,
} from "../../runtime/proto/gen/dapr/proto/internals/v1/service_invocation.ts";
import { listenPeers, type PeerServer } from "../../runtime/peers/server.ts";
import { waitFor } from "../wait-for.ts";
import { getRequest, getResponse, postRequest } from "./original-messages.ts";
import { request, valuesOf, wholeOf } from "./peers-contract.ts";

const service = "/dapr.proto.internals.v1.ServiceInvocation";
const maxBodyBytes = 4 * 1024 * 1024;
const bytes = (message: Buffer) => message;
const encodeRequestPart = (part: Partial<InternalInvokeRequestStream>) =>
  encodeMessage(InternalInvokeRequestStream, {
    request: undefined,
    payload: undefined,
    ...part,
  });
const encodeResponsePart = (part: Partial<InternalInvokeResponseStream>) =>
  encodeMessage(InternalInvokeResponseStream, {
    response: undefined,
    payload: undefined,
    ...part,
  });

describe("calls of the original", () => {
  let server: PeerServer;
  let client: Client;
  let seen: (ForwardRequest & { whole: string }) | undefined;
  let reply: ForwardReply;

  beforeAll(async () => {
    server = await listenPeers({
      addresses: ["127.0.0.1"],
      port: 0,
      appId: "called-by-original",
      receive: async (call) => {
        seen = { ...call, whole: (await wholeOf(call.body)).toString() };
        return reply;
      },
      maxBodyBytes,
    });
    client = new Client(
      `127.0.0.1:${server.port}`,
      credentials.createInsecure(),
    );
  });
  beforeEach(() => {
    seen = undefined;
    reply = {
      status: 200,
      headers: ["content-type", "text/plain"],
      body: Buffer.from("hello"),
    };
  });
  afterAll(async () => {
    client.close();
    await server.close();
  });

  /** Sends messages by CallLocalStream. Resolves with the answer's messages, or rejects with its status. */
  const stream = (...messages: Buffer[]) =>
    new Promise<Buffer[]>((resolve, reject) => {
      const call = client.makeBidiStreamRequest(
        `${service}/CallLocalStream`,
        bytes,
        bytes,
      );
      const answers: Buffer[] = [];
      call.on("data", (message: Buffer) => answers.push(message));
      call.on("end", () => resolve(answers));
      call.on("error", reject);
      for (const message of messages) call.write(message);
      call.end();
    });

  const head = (
    more: Partial<InternalInvokeRequest> = {},
  ): InternalInvokeRequest => ({
    ver: 1,
    metadata: new Map([["accept", { values: ["*/*"] }]]),
    message: {
      method: "x",
      data: undefined,
      contentType: "",
      httpExtension: { verb: 3, querystring: "" },
    },
    actor: undefined,
    ...more,
  });

  test("a recorded POST reaches the app", async () => {
    await stream(Buffer.from(postRequest, "hex"));
    expect(seen).toMatchObject({
      method: "POST",
      path: "/echo/a%20b?x=1&status=201",
      whole: "hello",
    });
    const { headers } = seen!;
    expect(valuesOf(headers, "x-multi")).toEqual(["1", "2"]);
    expect(valuesOf(headers, "content-type")).toEqual(["text/plain"]);
    expect(valuesOf(headers, "dapr-caller-app-id")).toEqual(["gocaller"]);
    expect(valuesOf(headers, "destination-app-id")).toEqual([]);
  });

  test("a recorded GET is answered with status, type and body", async () => {
    const [answer] = await stream(Buffer.from(getRequest, "hex"));
    expect(seen).toMatchObject({ method: "GET", path: "/hello", whole: "" });
    const { response } = decodeResponsePart(answer!);
    expect(response!.status).toEqual({
      code: 200,
      message: "",
      details: [],
    });
    expect(response!.message!.contentType).toBe("text/plain");
  });

  test.each([
    ["a%20b/100%", "/a%20b/100%25"],
    ["caf\u00e9", "/caf%C3%A9"],
    ["/lead", "/lead"],
    ["", "/"],
    ["hello?x=1", "/hello?x=1"],
    ["?x=1", "/?x=1"],
  ])("the method %j", async (method, path) => {
    const request = head();
    request.message!.method = method;
    await stream(encodeRequestPart({ request }));
    expect(seen?.path).toBe(path);
  });

  test.each([
    ["no HTTP extension", undefined],
    ["the verb NONE", { verb: 0 as const, querystring: "" }],
  ])("%s is for the app to judge", async (_, httpExtension) => {
    const message = { ...head().message!, httpExtension };
    await stream(encodeRequestPart({ request: head({ message }) }));
    expect(seen).toMatchObject({ method: "NONE", path: "/x" });
  });

  test("a query in the method comes before the one beside it", async () => {
    const message = {
      ...head().message!,
      method: "hello?x=1",
      httpExtension: { verb: 1 as const, querystring: "y=2" },
    };
    await stream(encodeRequestPart({ request: head({ message }) }));
    expect(seen?.path).toBe("/hello?x=1&y=2");
  });

  // The original knows HTTP's own headers by this spelling, and takes others for metadata of gRPC.
  test("an HTTP app's headers have their names as the original writes them", async () => {
    const given = [
      ["Date", "today"],
      ["content-length", "5"],
      ["x-my-head", "1"],
      ["my-bytes-bin", "AAEC"],
    ];
    reply.headers.push(...given.flat());
    const [answer] = await stream(Buffer.from(getRequest, "hex"));
    const { headers } = decodeResponsePart(answer!).response!;
    expect([...headers.keys()]).toEqual([
      "Content-Type",
      "Date",
      "Content-Length",
      "X-My-Head",
      "my-bytes-bin",
    ]);
  });

  test("what a gRPC app answered keeps its status, details and trailers", async () => {
    const details = [{ typeUrl: "type/a", value: Buffer.from("why") }];
    const told = { code: 5, message: "none such", details };
    reply = {
      status: 404,
      headers: ["x-head", "1", "content-type", "application/json"],
      body: Buffer.from("for callers by HTTP"),
      grpc: {
        ...told,
        details: encodeMessage(Status, told),
        trailers: ["x-tail", "2"],
      },
    };
    const answers = await stream(encodeRequestPart({ request: head() }));
    const [first] = answers.map((answer) => decodeResponsePart(answer));
    expect(first!.response).toMatchObject({
      status: told,
      headers: new Map([["x-head", { values: ["1"] }]]),
      trailers: new Map([["x-tail", { values: ["2"] }]]),
    });
    expect(answers).toHaveLength(1);
    expect(first!.payload).toBeUndefined();
  });

  test.each([
    ["an empty first message", [Buffer.alloc(0)], status.INVALID_ARGUMENT],
    [
      "no metadata",
      [encodeRequestPart({ request: head({ metadata: new Map() }) })],
      status.INVALID_ARGUMENT,
    ],
    [
      "no message",
      [encodeRequestPart({ request: head({ message: undefined }) })],
      status.INVALID_ARGUMENT,
    ],
    [
      "another version",
      [encodeRequestPart({ request: head({ ver: 2 as never }) })],
      status.INVALID_ARGUMENT,
    ],
    [
      "an unknown verb",
      [
        encodeRequestPart({
          request: head({
            message: {
              ...head().message!,
              httpExtension: { verb: 10 as never, querystring: "" },
            },
          }),
        }),
      ],
      status.INVALID_ARGUMENT,
    ],
    [
      "a fragment in the method",
      [
        encodeRequestPart({
          request: head({ message: { ...head().message!, method: "a#b" } }),
        }),
      ],
      status.INVALID_ARGUMENT,
    ],
    [
      "a second head",
      [
        encodeRequestPart({ request: head() }),
        encodeRequestPart({ request: head() }),
      ],
      status.INVALID_ARGUMENT,
    ],
    [
      "a gap in the numbers",
      [
        encodeRequestPart({
          request: head(),
          payload: { data: Buffer.from("a"), seq: 0n },
        }),
        encodeRequestPart({ payload: { data: Buffer.from("b"), seq: 2n } }),
      ],
      status.INTERNAL,
    ],
    [
      "bytes that are not a message",
      [Buffer.from([0xff, 0xff])],
      status.INTERNAL,
    ],
  ])("%s is refused", async (_name, messages, code) => {
    await expect(stream(...(messages as Buffer[]))).rejects.toMatchObject({
      code,
    });
    expect(seen).toBeUndefined();
  });

  test("CallLocal works, with the body in one piece", async () => {
    const message = Buffer.from(postRequest, "hex");
    const { request } = decodeRequestPart(message);
    request!.message!.data = { typeUrl: "", value: Buffer.from("hello") };
    const answer = await new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest(
        `${service}/CallLocal`,
        bytes,
        bytes,
        callLocal.requestSerialize(request!),
        (error: ServiceError | null, whole?: Buffer) =>
          error ? reject(error) : resolve(whole!),
      ),
    );
    expect(seen).toMatchObject({ method: "POST", whole: "hello" });
    expect(answer.includes("hello")).toBe(true);
  });

  test("a deadline ends the call at the callee", async () => {
    let hasBegun = false;
    const gone = Promise.withResolvers<void>();
    const slow = await listenPeers({
      addresses: ["127.0.0.1"],
      port: 0,
      appId: "slow",
      receive: ({ signal }) => {
        hasBegun = true;
        return new Promise(() =>
          signal!.addEventListener("abort", () => gone.resolve()),
        );
      },
      maxBodyBytes,
    });
    const caller = new Client(
      `127.0.0.1:${slow.port}`,
      credentials.createInsecure(),
    );
    // On a busy machine the call may reach the callee after its deadline: then a longer one is tried.
    for (let ms = 200; !hasBegun; ms *= 2) {
      const call = caller.makeBidiStreamRequest(
        `${service}/CallLocalStream`,
        bytes,
        bytes,
        { deadline: Date.now() + ms },
      );
      const failed = new Promise<ServiceError>((resolve) =>
        call.on("error", resolve),
      );
      call.write(Buffer.from(getRequest, "hex"));
      call.end();
      expect((await failed).code).toBe(status.DEADLINE_EXCEEDED);
    }
    await gone.promise;
    caller.close();
    await slow.close();
  });

  test("when a caller's connection is cut, its body does not look complete", async () => {
    const outcome = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    const callee = await listenPeers({
      addresses: ["127.0.0.1"],
      port: 0,
      appId: "cut",
      receive: async ({ body }) => {
        begun.resolve();
        await wholeOf(body).then(outcome.resolve, outcome.reject);
        return reply;
      },
      maxBodyBytes,
    });
    outcome.promise.catch(() => {});
    const wires: Socket[] = [];
    const wire = createServer((near) => {
      const far = connect(callee.port, "127.0.0.1");
      for (const socket of [near, far]) socket.on("error", () => {});
      wires.push(near.pipe(far), far.pipe(near));
    });
    await new Promise<void>((done) => wire.listen(0, "127.0.0.1", done));
    const caller = new Client(
      `127.0.0.1:${(wire.address() as AddressInfo).port}`,
      credentials.createInsecure(),
    );
    const call = caller.makeBidiStreamRequest(
      `${service}/CallLocalStream`,
      bytes,
      bytes,
    );
    call.on("error", () => {});
    call.write(
      encodeRequestPart({
        request: head(),
        payload: { data: Buffer.from("half"), seq: 0n },
      }),
    );
    await begun.promise;
    for (const socket of wires) socket.destroy();
    await expect(outcome.promise).rejects.toThrow();
    caller.close();
    wire.close();
    await callee.close();
  });

  test("an unknown method is Unimplemented", async () => {
    const code = await new Promise((resolve) =>
      client.makeUnaryRequest(
        `${service}/CallActor`,
        bytes,
        bytes,
        Buffer.alloc(0),
        (error: ServiceError | null) => resolve(error?.code),
      ),
    );
    expect(code).toBe(status.UNIMPLEMENTED);
  });

  test.each([
    ["invalid frames", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\xff".repeat(64)],
    ["half a preface", "PRI * HT"],
    ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00"],
  ])("a caller with %s loses its own connection only", async (_name, text) => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.end(Buffer.from(text, "latin1"));
    socket.resume();
    await waitFor("the connection to end", () => socket.closed);
    await stream(Buffer.from(getRequest, "hex"));
    expect(seen?.path).toBe("/hello");
  });
});

describe("calls to the original", () => {
  let server: Server;
  let port: number;
  let peers: Peers;
  let onStream: handleBidiStreamingCall<Buffer, Buffer>;
  let onUnary: handleUnaryCall<Buffer, Buffer>;

  const method = (name: string, isStream: boolean) => ({
    path: `${service}/${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  });

  beforeAll(async () => {
    server = new Server();
    server.addService(
      {
        CallLocal: method("CallLocal", false),
        CallLocalStream: method("CallLocalStream", true),
      },
      {
        CallLocal: ((call, answer) => onUnary(call, answer)) as handleUnaryCall<
          Buffer,
          Buffer
        >,
        CallLocalStream: ((call) => onStream(call)) as handleBidiStreamingCall<
          Buffer,
          Buffer
        >,
      },
    );
    port = await new Promise((resolve, reject) =>
      server.bindAsync(
        "127.0.0.1:0",
        ServerCredentials.createInsecure(),
        (error, bound) => (error ? reject(error) : resolve(bound)),
      ),
    );
    peers = openPeers(maxBodyBytes);
  });
  afterAll(async () => {
    await peers.close();
    server.forceShutdown();
  });
  const call = (more = {}) =>
    peers.call({ host: "127.0.0.1", port }, request(more));

  const answer = (...messages: Buffer[]) => {
    const received: Buffer[] = [];
    onStream = (stream) => {
      stream.on("data", (message: Buffer) => received.push(message));
      stream.on("end", () => {
        for (const message of messages) stream.write(message);
        stream.end();
      });
    };
    return received;
  };

  test("a recorded answer is understood", async () => {
    answer(Buffer.from(getResponse, "hex"));
    const reply = await call();
    expect(reply.status).toBe(200);
    expect(valuesOf(reply.headers, "content-type")).toEqual(["text/plain"]);
    expect((await wholeOf(reply.body)).toString()).toBe("hello");
  });

  test("the first message has the fields that the original requires", async () => {
    const received = answer(Buffer.from(getResponse, "hex"));
    await call({
      path: "/a%20b?x=1",
      headers: [
        ["x-one", "1"],
        ["x-raw-bin", "AP8"],
        ["content-type", "text/plain"],
      ].flat(),
    });
    const { request: sent, payload } = decodeRequestPart(received[0]!);
    expect(sent).toMatchObject({
      ver: 1,
      message: {
        method: "a%20b",
        data: undefined,
        httpExtension: { querystring: "x=1", verb: 3 },
      },
    });
    expect(sent!.metadata.get("destination-app-id")).toEqual({
      values: ["callee"],
    });
    expect(sent!.metadata.get("Content-Length")).toEqual({ values: ["8"] });
    expect(sent!.metadata.get("Content-Type")).toEqual({
      values: ["text/plain"],
    });
    expect(sent!.metadata.get("X-One")).toEqual({ values: ["1"] });
    // It knows bytes by the lower case, and wants padding.
    expect(sent!.metadata.get("x-raw-bin")).toEqual({ values: ["AP8="] });
    // The original's recorded POST has it so.
    expect(payload).toEqual({ data: Buffer.from('{"id":1}'), seq: 0n });
    expect(received).toHaveLength(1);
  });

  const replyWith = (
    code: number,
    headers: [string, string[]][] = [],
    value?: string,
  ): InternalInvokeResponse => ({
    status: { code, message: "m", details: [] },
    headers: new Map(headers.map(([name, values]) => [name, { values }])),
    trailers: new Map(),
    message: {
      data:
        value === undefined
          ? undefined
          : { typeUrl: "", value: Buffer.from(value) },
      contentType: "text/plain",
    },
  });

  const unreadableHeads: [string, number, [string, string[]][]][] = [
    ["the status 101", 101, []],
    ["the status 199", 199, []],
    ["the status 600", 600, []],
    ["the status 2^31 - 1", 2 ** 31 - 1, []],
    ["two lengths", 200, [["content-length", ["2", "2"]]]],
    [
      "two lengths by two names",
      200,
      [
        ["Content-Length", ["2"]],
        ["content-length", ["9"]],
      ],
    ],
    ...["0x2", "+2", "-1", "2, 2", "1e1", " 2", "", "2.0", "NaN"].map(
      (length): [string, number, [string, string[]][]] => [
        `the length ${JSON.stringify(length)}`,
        200,
        [["content-length", [length]]],
      ],
    ),
  ];
  test.each(unreadableHeads)(
    "an answer with %s is an error, by either method",
    async (_, code, headers) => {
      const response = replyWith(code, headers);
      answer(
        encodeResponsePart({
          response,
          payload: { data: Buffer.from("ok"), seq: 0n },
        }),
      );
      const refused = {
        kind: "internal",
        message: expect.stringMatching(
          /^the sidecar of callee at .*: the answer/,
        ) as string,
      };
      await expect(call()).rejects.toMatchObject(refused);
      onStream = (stream) =>
        stream.emit("error", { code: status.UNIMPLEMENTED, details: "old" });
      onUnary = (_call, reply) =>
        reply(
          null,
          callLocal.responseSerialize(replyWith(code, headers, "ok")),
        );
      await expect(call()).rejects.toMatchObject(refused);
    },
  );

  test("CallLocal is used when there is no CallLocalStream", async () => {
    onStream = (stream) =>
      stream.emit("error", { code: status.UNIMPLEMENTED, details: "old" });
    onUnary = ({ request: whole }, reply) => {
      const { message } = callLocal.requestDeserialize(whole);
      reply(
        null,
        callLocal.responseSerialize(
          replyWith(202, [], `got ${String(message!.data!.value)}`),
        ),
      );
    };
    const reply = await call();
    expect(reply.status).toBe(202);
    expect((await wholeOf(reply.body)).toString()).toBe('got {"id":1}');
  });

  test.each([
    ["no message at all", []],
    ["a first message without a status", [Buffer.alloc(0)]],
  ])("an answer with %s is an internal error", async (_name, messages) => {
    answer(...messages);
    await expect(call()).rejects.toMatchObject({ kind: "internal" });
  });

  test.each([
    [0, 200],
    [5, 404],
    [7, 403],
    [14, 503],
  ])(
    "a gRPC app's code %i becomes the HTTP status %i",
    async (code, expected) => {
      answer(
        encodeResponsePart({
          response: {
            ...replyWith(code),
            status: { code, message: "why", details: [] },
          },
        }),
      );
      const reply = await call();
      expect(reply.status).toBe(expected);
      const body = (await wholeOf(reply.body)).toString();
      expect(body).toBe(code === 0 ? "" : `{"code":${code},"message":"why"}`);
    },
  );

  test("a gRPC app's metadata and details come along", async () => {
    const details = [{ typeUrl: "type/a", value: Buffer.from("why") }];
    const told = { code: 9, message: "not yet", details };
    answer(
      encodeResponsePart({
        response: {
          ...replyWith(9, [
            ["x-head", ["1"]],
            ["content-length", ["99"]],
          ]),
          status: told,
          trailers: new Map([["x-tail", { values: ["2"] }]]),
        },
      }),
    );
    const { headers, grpc } = await call();
    expect(valuesOf(headers, "x-head")).toEqual(["1"]);
    expect(valuesOf(headers, "content-length")).toEqual([]);
    expect(grpc).toMatchObject({ code: 9, message: "not yet" });
    expect(grpc!.trailers).toEqual(["x-tail", "2"]);
    expect(decodeMessage(Status, grpc!.details!)).toEqual(told);
  });

  test.each([
    [status.PERMISSION_DENIED, "denied"],
    [status.UNAVAILABLE, "unavailable"],
    [status.UNAUTHENTICATED, "unauthenticated"],
    [status.INVALID_ARGUMENT, "invalid"],
    [status.RESOURCE_EXHAUSTED, "too-large"],
    [status.UNKNOWN, "internal"],
  ])("the status %i", async (code, kind) => {
    onStream = (stream) => stream.emit("error", { code, details: "because" });
    await expect(call()).rejects.toMatchObject({
      kind,
      message: expect.stringContaining("because") as string,
    });
  });

  test("an answer with a gap between its pieces is an error", async () => {
    const piece = (seq: bigint) =>
      encodeResponsePart({ payload: { data: Buffer.from("x"), seq } });
    const { response } = decodeResponsePart(Buffer.from(getResponse, "hex"));
    response!.headers.clear();
    answer(encodeResponsePart({ response }), piece(0n), piece(2n));
    const reply = await call();
    await expect(wholeOf(reply.body)).rejects.toThrow("invalid sequence");
  });
});
