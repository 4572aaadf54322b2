/** Our gRPC client against servers with wrong answers: each call ends once, and only a complete answer is OK. */
import {
  createServer,
  type Http2Server,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import {
  createGrpcClient,
  type GrpcClient,
} from "../../runtime/net/grpc/client.ts";
import { GrpcError } from "../../runtime/net/grpc/status.ts";
import { randomizer, type Random } from "../support/randomizer.ts";
import { waitFor } from "../wait-for.ts";

const seed = Number(process.env["DAPR_TEST_SEED"] ?? 1);
/** How many wrong answers are tried. */
const rounds = Number(process.env["DAPR_TEST_MUTATIONS"] ?? 1000);
const maxMessageBytes = 1024;

let server: Http2Server;
let client: GrpcClient;
const sessions = new Set<ServerHttp2Session>();
let answer: (stream: ServerHttp2Stream) => void;

beforeEach(async () => {
  server = createServer();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    answer(stream);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  client = createGrpcClient({ host: "127.0.0.1", port, maxMessageBytes });
});
afterEach(async () => {
  client.close();
  for (const session of sessions) session.destroy();
  await new Promise((done) => server.close(done));
});

const grpc = { ":status": 200, "content-type": "application/grpc" };
const frame = (text: string, flag = 0, length = text.length) => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, Buffer.from(text, "latin1")]);
};

/** Makes a call. Collects its messages and its end, and counts the ends. */
async function call(options = {}) {
  const messages: string[] = [];
  let ends = 0;
  const end = Promise.withResolvers<Error | undefined>();
  const made = await client.start(
    "/a/b",
    {
      onMessage: (message) => messages.push(message.toString("latin1")),
      onEnd(error) {
        ends++;
        end.resolve(error);
      },
    },
    { whole: [Buffer.from("ask")], ...options },
  );
  return { call: made, messages, end: end.promise, ends: () => ends };
}

/** Answers with a head, chunks and trailers. Without trailers the stream just ends. */
const sending =
  (chunks: Buffer[], trailers?: OutgoingHttpHeaders, head = {}) =>
  (stream: ServerHttp2Stream) => {
    stream.respond({ ...grpc, ...head }, { waitForTrailers: true });
    stream.on("wantTrailers", () => {
      if (trailers) stream.sendTrailers(trailers);
      else stream.close();
    });
    for (const chunk of chunks) stream.write(chunk);
    stream.end();
  };
const ok = { "grpc-status": "0" };

test.each<[string, Buffer[], OutgoingHttpHeaders | undefined, object, object]>([
  ["no trailers", [frame("a")], undefined, {}, { origin: "reset" }],
  ["trailers without a status", [frame("a")], { x: "1" }, {}, { code: 2 }],
  ["a status that is no number", [], { "grpc-status": "ok" }, {}, { code: 2 }],
  ["an unknown status", [], { "grpc-status": "99" }, {}, { code: 99 }],
  ["two statuses", [], { "grpc-status": ["0", "5"] }, {}, { code: 5 }],
  ["half a head", [Buffer.from([0, 0])], ok, {}, { code: 13 }],
  ["half a message", [frame("a", 0, 9)], ok, {}, { code: 13 }],
  ["a compressed message", [frame("a", 1)], ok, {}, { code: 13 }],
  ["an unknown flag", [frame("a", 7)], ok, {}, { code: 13 }],
  ["too large a message", [frame("a", 0, 1025)], ok, {}, { code: 8 }],
  ["a length of 4 GiB", [frame("a", 0, 0xffffffff)], ok, {}, { code: 8 }],
  ["a compression", [], ok, { "grpc-encoding": "gzip" }, { code: 13 }],
  [
    "another content type",
    [],
    ok,
    { "content-type": "text/html" },
    { code: 2 },
  ],
  [
    "a content type that only begins like gRPC's",
    [],
    ok,
    { "content-type": "application/grpcx" },
    { code: 2 },
  ],
])(
  "an answer with %s fails its call",
  async (_, chunks, trailers, head, expected) => {
    answer = sending(chunks, trailers, head);
    const { end, ends } = await call();
    expect(await end).toMatchObject(expected);
    answer = sending([frame("a")], ok);
    const next = await call();
    expect(await next.end).toBeUndefined();
    expect(ends()).toBe(1);
  },
);

test.each([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [500, 2],
  [502, 14],
  [503, 14],
  [504, 14],
])(
  "the HTTP status %i without a gRPC status becomes the code %i",
  async (httpStatus, code) => {
    answer = sending([], undefined, {
      ":status": httpStatus,
      "content-type": "text/plain",
    });
    expect(await (await call()).end).toMatchObject({ code, origin: "http" });
  },
);

// As in grpc-go: a proxy between may have made them.
test.each([
  [{ ":status": 500 }, 2],
  [{ ":status": 503 }, 14],
  [{ ":status": 204 }, 2],
  [{ "content-type": "text/plain" }, 2],
  [{ "content-type": "text/plain", ":status": 404 }, 12],
])(
  "a status alone counts only in an answer of gRPC: %j is the code %i",
  async (head, code) => {
    for (const told of ["0", "7"]) {
      answer = (stream) =>
        stream.respond(
          { ...grpc, "grpc-status": told, ...head },
          { endStream: true },
        );
      expect(await (await call()).end).toMatchObject({ code, origin: "http" });
    }
  },
);

test.each([
  [0, 13, "reset"],
  [1, 13, "reset"],
  [2, 13, "reset"],
  [7, 14, "refused"],
  [8, 1, "reset"],
  [11, 8, "reset"],
  [12, 7, "reset"],
])(
  "a reset with the HTTP/2 error %i becomes the code %i",
  async (rst, code, origin) => {
    answer = (stream) => stream.close(rst);
    expect(await (await call()).end).toMatchObject({ code, origin });
    answer = (stream) => {
      // Otherwise Node would end the stream before it resets it.
      stream.respond(grpc, { waitForTrailers: true });
      stream.write(frame("half"), () => stream.close(rst));
    };
    expect(await (await call()).end).toMatchObject({ code, origin });
  },
);

test("an answer with an empty compression is one without", async () => {
  answer = sending([frame("a")], ok, { "grpc-encoding": "" });
  const { end, messages } = await call();
  expect(await end).toBeUndefined();
  expect(messages).toEqual(["a"]);
});

test("a message arrives complete, even byte by byte", async () => {
  const bytes = Buffer.concat([frame("one"), frame(""), frame("three")]);
  answer = (stream) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(ok));
    let at = 0;
    const next = (): void => {
      if (at === bytes.length) return void stream.end();
      stream.write(bytes.subarray(at, ++at), () => setImmediate(next));
    };
    next();
  };
  const { end, messages } = await call();
  expect(await end).toBeUndefined();
  expect(messages).toEqual(["one", "", "three"]);
});

test("to the server, a request that is cancelled never looks complete", async () => {
  const seen = Promise.withResolvers<{ flags: string[]; rst: number }>();
  answer = (stream) => {
    const flags: string[] = [];
    stream.on("data", () => flags.push("data"));
    stream.on("end", () => flags.push(stream.closed ? "cut" : "end"));
    stream.on("close", () => seen.resolve({ flags, rst: stream.rstCode! }));
    stream.once("data", () => abort.abort(new Error("off")));
  };
  const abort = new AbortController();
  const { call: made, end } = await call({
    whole: undefined,
    signal: abort.signal,
  });
  made.write(Buffer.from("half"));
  expect(await end).toBe(abort.signal.reason);
  const { flags, rst } = await seen.promise;
  expect(flags).not.toContain("end");
  expect(rst).toBe(8);
});

test("GOAWAY fails the calls that the server did not process, with or without an error code", async () => {
  for (const code of [0, 2, 11]) {
    const seen: ServerHttp2Stream[] = [];
    answer = (stream) => {
      seen.push(stream);
      // The second call is after the last one that the server processed.
      if (seen.length === 2) stream.session!.goaway(code, seen[0]!.id);
      if (seen.length === 2 && code === 0) sending([frame("a")], ok)(seen[0]!);
    };
    const first = await call();
    const second = await call();
    const error = (await second.end) as GrpcError;
    expect(error).toMatchObject({ code: 14, origin: "refused", unsent: true });
    if (code === 0) expect(await first.end).toBeUndefined();
    else
      expect(await first.end).toMatchObject({
        code: 14,
        origin: "lost",
        unsent: false,
      });
  }
});

test("more calls than one connection allows open more connections", async () => {
  await new Promise((done) => server.close(done));
  server = createServer({ settings: { maxConcurrentStreams: 2 } });
  const streams: ServerHttp2Stream[] = [];
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => streams.push(stream));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  client = createGrpcClient({ host: "127.0.0.1", port, maxMessageBytes });
  const calls = await Promise.all(Array.from({ length: 5 }, () => call()));
  await waitFor("all calls", () => streams.length === 5);
  expect(sessions.size).toBe(3);
  for (const stream of streams) sending([frame("a")], ok)(stream);
  for (const { end } of calls) expect(await end).toBeUndefined();
});

test("a server that allows no calls counts as unreachable", async () => {
  await new Promise((done) => server.close(done));
  server = createServer({ settings: { maxConcurrentStreams: 0 } });
  server.on("session", (session) => sessions.add(session));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  client = createGrpcClient({ host: "127.0.0.1", port, maxMessageBytes });
  await expect(call()).rejects.toMatchObject({
    code: 14,
    origin: "unreachable",
  });
});

/** Gives a wrong answer. Returns what was sent if that may count as a complete answer, else undefined. */
function misbehave(stream: ServerHttp2Stream, random: Random) {
  const texts = Array.from({ length: random.below(4) }, () =>
    random.text(random.below(300)),
  );
  let bytes = Buffer.concat(texts.map((text) => frame(text)));
  let isWhole = true;
  const change = random.below(6);
  if (change === 0 && bytes.length > 0) {
    bytes = bytes.subarray(0, random.below(bytes.length));
    isWhole = false;
  } else if (change === 1 && bytes.length > 0) {
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    isWhole = false;
  } else if (change === 2) {
    bytes = Buffer.concat([bytes, Buffer.from(random.text(random.below(9)))]);
    isWhole = false;
  }
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.below(bytes.length);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  const end = random.below(8);
  const trailers = random.pick([
    ok,
    ok,
    ok,
    { "grpc-status": "5", "grpc-message": random.text(20) },
    { "grpc-status": random.text(5) },
    {},
  ]);
  const head = random.pick([
    grpc,
    grpc,
    grpc,
    { ...grpc, "content-type": "application/grpc+proto" },
    { ...grpc, ":status": random.pick([200, 204, 404, 503]) },
    { ...grpc, "grpc-encoding": random.pick(["identity", "gzip"]) },
    { ":status": 200 },
  ]) as OutgoingHttpHeaders;
  stream.respond(head, { waitForTrailers: end !== 0 });
  stream.on("wantTrailers", () => {
    if (end === 1) stream.close(random.below(14));
    else stream.sendTrailers(trailers);
  });
  for (const chunk of chunks) stream.write(chunk);
  if (end === 2) stream.session!.socket.destroy();
  else if (end === 3) stream.close(random.below(14));
  else if (end === 4) stream.session!.goaway(random.below(14));
  else if (end === 5) stream.session!.destroy();
  if (end !== 2 && end !== 3 && end !== 5) stream.end();
  return isWhole && trailers === ok ? texts : undefined;
}

test(`${rounds} wrong answers each end their call once (seed ${seed})`, async () => {
  const random = randomizer(seed);
  const sent = new Map<number, string[] | undefined>();
  let good = 0;
  for (let i = 0; i < rounds; i++) {
    const what = `seed ${seed}, round ${i}`;
    answer = (stream) => void sent.set(i, misbehave(stream, random));
    const { end, ends, messages } = await call();
    const error = await end;
    // A changed byte may give other complete messages.
    const whole = sent.get(i);
    if (!error && whole) {
      good++;
      if (messages.join("\n") !== whole.join("\n")) throw new Error(what);
    }
    if (error && !(error instanceof GrpcError)) throw error;
    if (ends() !== 1) throw new Error(`${what}: ${ends()} ends`);
  }
  expect(good).toBeGreaterThan(rounds / 50);
  answer = sending([frame("a")], ok);
  expect(await (await call()).end).toBeUndefined();
});
