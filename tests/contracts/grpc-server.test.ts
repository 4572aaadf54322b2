/** Our gRPC server against the client of `@grpc/grpc-js`, and against callers that do not speak gRPC. */
import {
  connect as connectHttp2,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type Settings,
} from "node:http2";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
  status,
  type ClientDuplexStream,
  type ServiceError,
} from "@grpc/grpc-js";
import {
  createGrpcServer,
  type GrpcServer,
} from "../../runtime/net/grpc/server.ts";
import type { ServerCall } from "../../runtime/net/grpc/server-call.ts";
import { GrpcError } from "../../runtime/net/grpc/status.ts";
import type { StuckTimes } from "../../runtime/net/grpc/cut-stuck.ts";
import { collectGarbage } from "../support/collect-garbage.ts";
import { waitFor } from "../wait-for.ts";
import { untilStill } from "../support/stand-still.ts";

const asIs = (bytes: Buffer) => bytes;
const path = "/test.Echo/Both";
const maxMessageBytes = 1024 * 1024;

let port: number;
let listener: Server;
let server: GrpcServer;
let client: Client;
let onCall: (call: ServerCall) => void;

const echo = (call: ServerCall) =>
  call.read({
    onMessage: (message) => call.write(message),
    onEnd: () => call.end(),
  });

beforeEach(async () => {
  onCall = echo;
  server = createGrpcServer({
    maxMessageBytes,
    methods: new Map([[path, (call) => onCall(call)]]),
  });
  listener = createServer((socket) => server.serve(socket));
  await new Promise<void>((done) => listener.listen(0, "127.0.0.1", done));
  ({ port } = listener.address() as AddressInfo);
  client = open();
});
afterEach(async () => {
  client.close();
  await server.close();
  listener.close();
});

const open = (options = {}) =>
  new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
    ...options,
  });

/** Starts a stream call and collects everything that it receives. */
function start(metadata = new Metadata(), options = {}, by = client) {
  const call: ClientDuplexStream<Buffer, Buffer> = by.makeBidiStreamRequest(
    path,
    asIs,
    asIs,
    metadata,
    options,
  );
  const messages: Buffer[] = [];
  let head: Metadata | undefined;
  const end = new Promise<ServiceError | undefined>((resolve) => {
    call.on("error", resolve);
    call.on("end", () => resolve(undefined));
  });
  call.on("metadata", (seen: Metadata) => (head = seen));
  call.on("data", (message: Buffer) => messages.push(message));
  return { call, messages, end, head: () => head };
}

test.each([0, 1, 4097, 70_000, maxMessageBytes])(
  "messages of %i bytes arrive one by one",
  async (size) => {
    const sent = Array.from({ length: 3 }, (_, i) => Buffer.alloc(size, i));
    const { call, messages, end } = start();
    for (const message of sent) call.write(message);
    call.end();
    expect(await end).toBeUndefined();
    expect(messages).toHaveLength(3);
    expect(messages.every((one, i) => one.equals(sent[i]!))).toBe(true);
  },
);

test.each(Object.entries(status).filter(([, code]) => Number(code) > 0))(
  "the status %s arrives with its text and metadata, alone and after a message",
  async (_, code) => {
    const text = "it can't: 100 % of caf\u00e9 \u6f22\n";
    for (const isAlone of [true, false]) {
      onCall = (call) => {
        if (!isAlone) call.write(Buffer.from("half"));
        call.fail(new GrpcError(Number(code), text), {
          "x-why": "because",
          "grpc-status-details-bin": Buffer.from([8, 5, 255]),
        });
      };
      const { end, messages } = start();
      const error = (await end)!;
      expect(error).toMatchObject({ code, details: text });
      expect(error.metadata.get("x-why")).toEqual(["because"]);
      expect(error.metadata.get("grpc-status-details-bin")).toEqual([
        Buffer.from([8, 5, 255]),
      ]);
      expect(messages).toHaveLength(isAlone ? 0 : 1);
    }
  },
);

test("any other error becomes UNKNOWN", async () => {
  onCall = (call) => call.fail(new Error("oh no"));
  expect(await start().end).toMatchObject({ code: 2, details: "oh no" });
});

test("an error in a handler fails only its own call", async () => {
  onCall = (call) =>
    call.read({
      onMessage() {
        throw new GrpcError(3, "not so");
      },
      onEnd() {},
    });
  const { call, end } = start();
  call.write(Buffer.from("a"));
  expect(await end).toMatchObject({ code: 3, details: "not so" });
});

test("metadata arrives in both directions", async () => {
  onCall = (call) => {
    call.begin({ "x-head": "1", "x-raw-bin": Buffer.from([255, 0]) });
    call.end(Buffer.from(String(call.metadata["x-text"])));
  };
  const metadata = new Metadata();
  metadata.set("x-text", "a b");
  const { end, messages, head } = start(metadata);
  expect(await end).toBeUndefined();
  expect(messages.map(String)).toEqual(["a b"]);
  expect(head()!.getMap()).toMatchObject({
    "x-head": "1",
    "x-raw-bin": Buffer.from([255, 0]),
  });
});

test("an unknown method is UNIMPLEMENTED", async () => {
  const error = await new Promise<ServiceError | null>((resolve) =>
    client.makeUnaryRequest(
      "/test.Echo/None",
      asIs,
      asIs,
      Buffer.alloc(0),
      resolve,
    ),
  );
  expect(error).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: "there is no method /test.Echo/None",
  });
});

test("a deadline aborts the call", async () => {
  const gone = Promise.withResolvers<unknown>();
  onCall = ({ signal }) =>
    signal.addEventListener("abort", () => gone.resolve(signal.reason));
  const { end } = start(new Metadata(), { deadline: Date.now() + 200 });
  expect((await end)!.code).toBe(status.DEADLINE_EXCEEDED);
  await gone.promise;
});

test("the server keeps a deadline that the caller does not watch", async () => {
  onCall = () => {};
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    "grpc-timeout": "20m",
  });
  const head = await new Promise<Record<string, unknown>>((resolve) =>
    stream.on("response", resolve),
  );
  expect(head["grpc-status"]).toBe("4");
  session.destroy();
});

test("when a caller cancels, its call is aborted and its request does not look complete", async () => {
  const gone = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let hasEnded = false;
  onCall = (call) => {
    call.signal.addEventListener("abort", () => gone.resolve());
    call.read({
      onMessage: () => begun.resolve(),
      onEnd: () => (hasEnded = true),
    });
  };
  const { call } = start();
  call.write(Buffer.from("half"));
  await begun.promise;
  call.cancel();
  await gone.promise;
  expect(hasEnded).toBe(false);
});

test("a successful call is never aborted", async () => {
  let signal: AbortSignal | undefined;
  onCall = (call) => {
    signal = call.signal;
    echo(call);
  };
  const { call, end } = start();
  call.end(Buffer.from("a"));
  await end;
  client.close();
  await server.close();
  expect(signal!.aborted).toBe(false);
});

test("while the caller does not read, the server has to wait", async () => {
  let written = 0;
  onCall = (call) => {
    const more = (): void =>
      void call.write(Buffer.alloc(16_384), () => {
        written++;
        if (written < 1000) more();
        else call.end();
      });
    more();
  };
  const { call, messages, end } = start();
  call.pause();
  const stopped = await untilStill("the server", () => written);
  expect(stopped * 16_384).toBeLessThan(2 * 1024 * 1024);
  call.resume();
  expect(await end).toBeUndefined();
  expect(messages).toHaveLength(1000);
});

test("while the server does not read, the caller has to wait", async () => {
  let received = 0;
  let paused: ServerCall | undefined;
  onCall = (call) => {
    call.read({
      onMessage: (message) => (received += message.length),
      onEnd: () => call.end(),
    });
    call.pause();
    paused = call;
  };
  const { call, end } = start();
  let written = 0;
  const more = (): void =>
    void call.write(Buffer.alloc(16_384), () => {
      written++;
      if (written < 1000) more();
      else call.end();
    });
  more();
  const stopped = await untilStill("the caller", () => written);
  expect(stopped * 16_384).toBeLessThan(2 * 1024 * 1024);
  paused!.resume();
  expect(await end).toBeUndefined();
  expect(received).toBe(1000 * 16_384);
});

test("a message over the limit is refused, in either direction", async () => {
  const { call, end } = start();
  call.write(Buffer.alloc(maxMessageBytes + 1));
  expect(await end).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  onCall = (one) => one.write(Buffer.alloc(maxMessageBytes + 1));
  expect(await start().end).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});

test("compressed messages are refused, and the error says what to do", async () => {
  const gzip = open({
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
  });
  const { call, end } = start(new Metadata(), {}, gzip);
  call.end(Buffer.alloc(100));
  expect(await end).toMatchObject({
    code: status.UNIMPLEMENTED,
    details:
      'messages compressed with "gzip" are not taken: send them as they are',
  });
  gzip.close();
});

test("who sends gzip is answered with it, unless the answer is short", async () => {
  await server.close();
  server = createGrpcServer({
    maxMessageBytes,
    gzip: true,
    methods: new Map([
      [
        path,
        (call) => {
          const messages: Buffer[] = [];
          call.read({
            onMessage: (message) => messages.push(message),
            onEnd: () => call.end(Buffer.concat(messages)),
          });
        },
      ],
    ]),
  });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const askPacked = (body: Buffer) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      "grpc-encoding": "gzip",
    });
    stream.end(body);
    return stream;
  };
  const framed = (body: Buffer, flag: number) => {
    const start = Buffer.from([flag, 0, 0, 0, 0]);
    start.writeUInt32BE(body.length, 1);
    return Buffer.concat([start, body]);
  };
  const ask = async (...messages: Buffer[]) => {
    // Each message says for itself whether it is compressed.
    const stream = askPacked(
      Buffer.concat(
        messages.map((message, i) =>
          i % 2 === 0 ? framed(gzipSync(message), 1) : framed(message, 0),
        ),
      ),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const [one, two] = [Buffer.alloc(70_000, "a"), Buffer.alloc(70_000, "b")];
  const long = await ask(one, two);
  expect(long[0]).toBe(1);
  expect(gunzipSync(long.subarray(5))).toEqual(Buffer.concat([one, two]));
  expect(await ask(Buffer.from("a"))).toEqual(Buffer.from("\0\0\0\0\x01a"));
  const noGzip = askPacked(framed(Buffer.alloc(70, "x"), 1)).resume();
  const [head] = (await once(noGzip, "response")) as [IncomingHttpHeaders];
  expect(head).toMatchObject({
    "grpc-status": String(status.INTERNAL),
    "grpc-message": expect.stringContaining("it is no gzip") as string,
  });
  session.destroy();
});

test("a large message that waits for room until its deadline is DEADLINE_EXCEEDED; a small one does not wait", async () => {
  const used = Promise.withResolvers<void>();
  let told = 0;
  await server.close();
  server = createGrpcServer({
    maxMessageBytes,
    gzip: true,
    methods: new Map([
      [
        path,
        (call) =>
          call.read({
            async onMessage(message) {
              told++;
              if (message.length > 100) await used.promise;
              call.end();
            },
            onEnd() {},
          }),
      ],
    ]),
  });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const ask = async (message: Buffer, timeout = "1H") => {
    const packed = gzipSync(message);
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      "grpc-encoding": "gzip",
      "grpc-timeout": timeout,
    });
    let code: unknown;
    const take = (headers: IncomingHttpHeaders) =>
      (code ??= headers["grpc-status"]);
    stream.on("response", take).on("trailers", take);
    const start = Buffer.from([1, 0, 0, 0, 0]);
    start.writeUInt32BE(packed.length, 1);
    stream.resume().end(Buffer.concat([start, packed]));
    await once(stream, "close");
    return code;
  };
  const large = Buffer.alloc(maxMessageBytes);
  // One connection leaves as much of the 64 MiB as it takes.
  const inUse = Array.from({ length: 32 }, () => ask(large));
  await waitFor("calls", () => told === 32);
  expect(await ask(large, "20m")).toBe(`${status.DEADLINE_EXCEEDED}`);
  expect(await ask(Buffer.alloc(10))).toBe("0");
  const waiting = ask(large);
  used.resolve();
  expect(await Promise.all([...inUse, waiting])).toEqual(
    Array.from({ length: 33 }, () => "0"),
  );
  session.destroy();
});

test("an answer may end before its request does", async () => {
  onCall = (call) => {
    call.read({ onMessage() {}, onEnd() {} });
    call.end(Buffer.from("enough"));
  };
  const { messages, end } = start();
  expect(await end).toBeUndefined();
  expect(messages.map(String)).toEqual(["enough"]);
});

test("close lets calls under way end and takes no new ones", async () => {
  const begun = Promise.withResolvers<ServerCall>();
  onCall = (call) => begun.resolve(call);
  const { messages, end } = start();
  const call = await begun.promise;
  const closed = server.close();
  listener.close();
  call.end(Buffer.from("done"));
  expect(await end).toBeUndefined();
  expect(messages.map(String)).toEqual(["done"]);
  await closed;
  expect(await start().end).toMatchObject({ code: status.UNAVAILABLE });
});

describe("a request that is wrong by gRPC's own rules", () => {
  let session: ClientHttp2Session;
  beforeEach(() => (session = connectHttp2(`http://127.0.0.1:${port}`)));
  afterEach(() => session.destroy());

  const answerTo = (headers: OutgoingHttpHeaders) =>
    new Promise<IncomingHttpHeaders>((resolve) => {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        ...headers,
      });
      stream.on("response", resolve);
      stream.resume().end();
    });

  // As the original answers.
  test.each<[string, OutgoingHttpHeaders, number, number, string]>([
    [
      "another verb",
      { ":method": "GET" },
      405,
      status.INTERNAL,
      'Received a HEADERS frame with :method "GET" which should be POST',
    ],
    [
      "no content type",
      { "content-type": undefined },
      415,
      status.INVALID_ARGUMENT,
      'invalid gRPC request content-type ""',
    ],
    [
      "another content type",
      { "content-type": "application/json" },
      415,
      status.INVALID_ARGUMENT,
      'invalid gRPC request content-type "application/json"',
    ],
    [
      "a path without a service",
      { ":path": "/None" },
      200,
      status.UNIMPLEMENTED,
      'malformed method name: "/None"',
    ],
    [
      "no path",
      { ":path": "/" },
      200,
      status.UNIMPLEMENTED,
      'malformed method name: "/"',
    ],
    [
      "a time without a unit",
      { "grpc-timeout": "100" },
      400,
      status.INTERNAL,
      'malformed grpc-timeout: transport: timeout unit is not recognized: "100"',
    ],
    [
      "an empty time",
      { "grpc-timeout": "" },
      400,
      status.INTERNAL,
      'malformed grpc-timeout: transport: timeout string is too short: ""',
    ],
    [
      "bytes that are no Base64",
      { "x-bin": "AA=A" },
      400,
      status.INTERNAL,
      'malformed binary metadata "AA=A" in header "x-bin": illegal base64 data at input byte 2',
    ],
    [
      "one value of several that is no Base64",
      { "x-bin": ["AAAA", "A"] },
      400,
      status.INTERNAL,
      'malformed binary metadata "A" in header "x-bin": illegal base64 data at input byte 0',
    ],
  ])(
    "%s: a status of HTTP and one of gRPC",
    async (_, headers, http, code, text) => {
      onCall = () => {
        throw new Error("it is not to be called");
      };
      expect(await answerTo(headers)).toMatchObject({
        ":status": http,
        "content-type": "application/grpc",
        "grpc-status": `${code}`,
        "grpc-message": text,
      });
    },
  );

  test.each<[string, OutgoingHttpHeaders]>([
    [
      "a content type with a suffix",
      { "content-type": "application/grpc+proto" },
    ],
    ["bytes with padding and without", { "x-bin": ["AA==", "AA", "AAAA,AA"] }],
    ["an empty encoding, which is none", { "grpc-encoding": "" }],
  ])("%s is right", async (_, headers) => {
    const head = await answerTo(headers);
    expect(head).toMatchObject({ ":status": 200 });
    // It comes with the trailers.
    expect(head).not.toHaveProperty("grpc-status");
  });

  test.each(["0S", "1n", "-1S"])(
    "the time %s is over at once, and nothing is done",
    async (time) => {
      const done: string[] = [];
      onCall = (call) =>
        call.read({
          onMessage: () => done.push("message"),
          onEnd() {
            done.push("end");
            call.end();
          },
        });
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        "grpc-timeout": time,
      });
      // Comes with the head.
      stream.resume().end(Buffer.from([0, 0, 0, 0, 1, 65]));
      const [head] = (await once(stream, "response")) as [IncomingHttpHeaders];
      expect(head).toMatchObject({
        ":status": 200,
        "grpc-status": `${status.DEADLINE_EXCEEDED}`,
      });
      await once(stream, "close");
      expect(done).toEqual([]);
    },
  );

  test.each(["0S", "1n"])(
    "the time %s is over for a call that is passed on too",
    async (time) => {
      const done: string[] = [];
      onCall = (call) =>
        call.readBytes(
          () => done.push("bytes"),
          () => done.push("end"),
        );
      expect(await answerTo({ "grpc-timeout": time })).toMatchObject({
        "grpc-status": `${status.DEADLINE_EXCEEDED}`,
      });
      expect(done).toEqual([]);
    },
  );
});

describe("metadata that is too large", () => {
  /** Of a stream that is reset, its code; else the status of HTTP. */
  const outcomeOf = (stream: ClientHttp2Stream) =>
    new Promise<number>((resolve) => {
      stream.on("error", () => {});
      stream.on("response", (head) => resolve(Number(head[":status"])));
      stream.on("close", () => resolve(stream.rstCode ?? 0));
      stream.resume().end();
    });
  const head = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
  };
  const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM;
  const kilobytes = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `x-${i}`,
        "{".repeat(1024 - 35),
      ]),
    );
  const names = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`x-${i}`, "a"]),
    );

  test("callers are told the limit", async () => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const settings = await new Promise<Settings>((resolve) =>
      session.once("remoteSettings", resolve),
    );
    expect(settings.maxHeaderListSize).toBe(64 * 1024);
    session.destroy();
  });

  test.each([
    ["63 KiB", kilobytes(63), 200],
    ["66 KiB", kilobytes(66), calm],
    ["120 KiB", kilobytes(120), calm],
    ["128 names", names(128), 200],
    ["150 names", names(150), calm],
    ["1000 names", names(1000), calm],
  ])(
    "%s: the other calls of the connection go on",
    async (_, metadata, expected) => {
      const session = connectHttp2(`http://127.0.0.1:${port}`, {
        maxSendHeaderBlockLength: 1024 * 1024,
      });
      await new Promise((done) => session.once("localSettings", done));
      onCall = echo;
      const other = session.request(head, { endStream: false });
      const begun = new Promise((done) => other.once("data", done));
      other.write(Buffer.from([0, 0, 0, 0, 1, 65]));
      await begun;
      expect(await outcomeOf(session.request({ ...head, ...metadata }))).toBe(
        expected,
      );
      const ended = new Promise<IncomingHttpHeaders>((resolve) =>
        other.once("trailers", resolve),
      );
      other.resume().end();
      expect(await ended).toMatchObject({ "grpc-status": "0" });
      session.destroy();
    },
  );
});

describe("a caller that does not take its answers", () => {
  const mb = 1024 * 1024;
  const head = {
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
  };
  let stuck: GrpcServer;
  let to: ClientHttp2Session;
  const open = (times: Partial<StuckTimes>) => {
    stuck = createGrpcServer({
      maxMessageBytes: 4 * mb,
      methods: new Map([[path, (call) => onCall(call)]]),
      stuck: { everyMs: 20, bytesPerMs: Infinity, ...times },
    });
    listener.removeAllListeners("connection");
    listener.on("connection", (socket) => stuck.serve(socket));
    to = connectHttp2(`http://127.0.0.1:${port}`, {
      settings: { initialWindowSize: 0 },
    });
    to.on("error", () => {});
  };
  afterEach(async () => {
    to.destroy();
    await stuck.close();
  });
  /** Resolves with the code that the call is reset with. */
  const ask = () =>
    new Promise<number>((resolve) => {
      const stream = to.request(head);
      stream.on("error", () => {});
      stream.on("close", () => resolve(stream.rstCode ?? 0));
      stream.end();
    });
  const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM;

  test("loses them after a time, their memory comes back, and its other calls go on", async () => {
    open({ leastMs: 200 });
    const aborted: string[] = [];
    onCall = (call) => {
      call.signal.addEventListener("abort", () => aborted.push(call.path));
      call.read({
        onMessage() {},
        onEnd: () => call.end(Buffer.alloc(mb, "x")),
      });
    };
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    const codes = await Promise.all(Array.from({ length: 40 }, ask));
    expect(new Set(codes)).toEqual(new Set([calm]));
    await waitFor("the calls to be aborted", () => aborted.length === 40);
    await waitFor("the memory to come back", () => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers < before + 4 * mb;
    });
    onCall = (call) => call.fail(new GrpcError(5, "none"));
    expect(await ask()).toBe(0);
  });

  test("loses a stream that it stops to read as well, and its source is told", async () => {
    open({ leastMs: 200 });
    const gone = Promise.withResolvers<void>();
    onCall = (call) => {
      call.signal.addEventListener("abort", () => gone.resolve());
      call.write(Buffer.alloc(mb));
    };
    expect(await ask()).toBe(calm);
    await gone.promise;
  });

  test("loses them sooner if they are many", async () => {
    open({ leastMs: 3_600_000, mostBytes: 8 * mb });
    onCall = (call) => call.end(Buffer.alloc(mb));
    const codes = await Promise.all(Array.from({ length: 9 }, ask));
    expect(new Set(codes)).toEqual(new Set([calm]));
  });
});

test.each(["half a message", "no HTTP/2", "a cut connection"])(
  "%s ends only its own call",
  async (what) => {
    const gone = Promise.withResolvers<void>();
    let hasEnded = false;
    onCall = (call) => {
      call.signal.addEventListener("abort", () => gone.resolve());
      call.read({ onMessage() {}, onEnd: () => (hasEnded = true) });
    };
    if (what === "no HTTP/2") {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.end("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\xff".repeat(64));
      await new Promise((done) => socket.resume().on("close", done));
    } else {
      const session = connectHttp2(`http://127.0.0.1:${port}`);
      session.on("error", () => {});
      const stream = session.request(
        {
          ":method": "POST",
          ":path": path,
          "content-type": "application/grpc",
        },
        { endStream: false },
      );
      stream.on("error", () => {});
      const half = Buffer.from([0, 0, 0, 0, 9, 1]);
      if (what === "half a message") {
        const head = new Promise<Record<string, unknown>>((resolve) =>
          stream.on("response", resolve),
        );
        stream.resume().end(half);
        expect((await head)["grpc-status"]).toBe("13");
      } else {
        await new Promise<void>((done) => stream.write(half, () => done()));
        session.socket.destroy();
      }
      await gone.promise;
      session.destroy();
    }
    expect(hasEnded).toBe(false);
    onCall = echo;
    const { call, end } = start();
    call.end(Buffer.from("a"));
    expect(await end).toBeUndefined();
  },
);
