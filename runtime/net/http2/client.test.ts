import { createServer, type Server, type Socket } from "node:net";
import { createServer as createHttp2Server } from "node:http2";
import { Readable } from "node:stream";
import { waitFor } from "../../../tests/wait-for.ts";
import type {
  ForwardReply,
  ForwardRequest,
} from "../../contracts/invocation.ts";
import { createHttp2Client, type Http2Client } from "./client.ts";

let server: Server;
let client: Http2Client;
const sockets = new Set<Socket>();
/** Frames that came: type, flags and payload. */
const seen: string[] = [];
afterEach(async () => {
  seen.length = 0;
  client.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((done) => server.close(done));
});

const frame = (type: number, flags: number, stream: number, payload = "") => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Buffer.from(payload, "latin1")]);
};
const [data, headers, reset, settings, goAway] = [0, 1, 3, 4, 7];
const endsHeaders = 4;
const endsStream = 1;
const ok = "\x88"; // :status: 200
const field = (name: string, value: string) =>
  `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`;
const noStreams = "\0\x03\0\0\0\0";

async function listen(made: Server, openLimitMs?: number) {
  server = made;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  client = createHttp2Client(`http://127.0.0.1:${port}`, { openLimitMs });
}

/** Answers each request with the frames that `answer` makes of its stream. */
const startRaw = (
  answer: (stream: number, socket: Socket) => Buffer[],
  { allows = "", openLimitMs }: { allows?: string; openLimitMs?: number } = {},
) =>
  listen(
    createServer((socket) => {
      let all = Buffer.alloc(0);
      let isBehindPreface = false;
      socket.write(frame(settings!, 0, 0, allows));
      socket.on("data", (bytes) => {
        all = Buffer.concat([all, bytes]);
        if (!isBehindPreface) {
          if (all.length < 24) return;
          all = all.subarray(24);
          isBehindPreface = true;
        }
        while (all.length >= 9 && all.length >= 9 + all.readUIntBE(0, 3)) {
          const [type, flags] = [all[3]!, all[4]!];
          const stream = all.readUInt32BE(5);
          const payload = all.subarray(9, 9 + all.readUIntBE(0, 3));
          seen.push(`${type} ${flags} ${payload.toString("latin1")}`);
          all = all.subarray(9 + all.readUIntBE(0, 3));
          if (type === settings && flags === 0)
            socket.write(frame(settings, 1, 0));
          if (type === headers)
            for (const sent of answer(stream, socket)) socket.write(sent);
        }
      });
    }),
    openLimitMs,
  );

const send = (more: Partial<ForwardRequest> = {}) =>
  client.forward({
    method: "GET",
    path: "/a",
    headers: [],
    body: undefined,
    ...more,
  });

async function textOf({ body }: ForwardReply): Promise<string> {
  return Buffer.concat(await (body as Readable).toArray()).toString("latin1");
}

test("an answer with its head, body and trailers", async () => {
  await startRaw((stream) => [
    frame(headers!, endsHeaders, stream, field(":status", "103")),
    frame(
      headers!,
      endsHeaders,
      stream,
      ok + field("x", "1") + field("x", "2"),
    ),
    frame(data!, 0, stream, "o"),
    frame(data!, 0, stream, "k"),
    frame(headers!, endsHeaders | endsStream, stream, field("t", "1")),
  ]);
  const reply = await send();
  expect(reply).toMatchObject({ status: 200, headers: ["x", "1", "x", "2"] });
  expect(await textOf(reply)).toBe("ok");
});

test.each([0, 2, 8])("an answer reset with code %i is cut", async (code) => {
  await startRaw((stream) => [
    frame(headers!, endsHeaders, stream, ok),
    frame(data!, 0, stream, "half"),
    frame(reset!, 0, stream, `\0\0\0${String.fromCharCode(code)}`),
  ]);
  const reply = await send();
  await expect(textOf(reply)).rejects.toThrow();
});

test("a request reset before its answer is an error", async () => {
  await startRaw((stream) => [frame(reset!, 0, stream, "\0\0\0\0")]);
  await expect(send()).rejects.toThrow();
});

test("an answer that ended may be followed by a reset", async () => {
  await startRaw((stream) => [
    frame(headers!, endsHeaders, stream, ok),
    frame(data!, endsStream, stream, "all"),
    frame(reset!, 0, stream, "\0\0\0\0"),
  ]);
  const body = new Readable({ read() {} });
  body.push("still sending");
  expect(await textOf(await send({ method: "POST", body }))).toBe("all");
});

test("a connection that ends under an answer cuts it", async () => {
  await startRaw((stream, socket) => {
    setImmediate(() => socket.end());
    return [
      frame(headers!, endsHeaders, stream, ok),
      frame(data!, 0, stream, "half"),
    ];
  });
  await expect(send().then(textOf)).rejects.toThrow();
});

test("an app that allows no requests is an error after a time", async () => {
  await startRaw(() => [], { allows: noStreams, openLimitMs: 3000 });
  await expect(send()).rejects.toThrow(
    "it allows no requests over HTTP/2 (SETTINGS_MAX_CONCURRENT_STREAMS is 0), also after 3 s",
  );
});

test("an app that says nothing is an error after a time", async () => {
  await listen(createServer(), 50);
  await expect(send()).rejects.toThrow(
    "it did not begin to speak HTTP/2 within 0.05 s",
  );
});

test("nothing listens: the error says so", async () => {
  await listen(createServer());
  client.close();
  client = createHttp2Client("http://127.0.0.1:1");
  await expect(send()).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test.each([
  [field(":status", "600"), /status is 600/],
  [field(":status", "999"), /status is 999/],
  [ok + field("content-length", "0x2"), /./],
  [ok + field("content-length", "1"), /./],
  [ok + field("content-length", "100"), /./],
  [field("x", "y"), /./],
])("the head %j fails its call and no other", async (head, message) => {
  let isBad = true;
  await startRaw((stream) => {
    const sent = isBad ? head : ok;
    isBad = false;
    return [
      frame(headers!, endsHeaders, stream, sent),
      frame(data!, endsStream, stream, "ok"),
    ];
  });
  await expect(send().then(textOf)).rejects.toThrow(message);
  expect(await textOf(await send())).toBe("ok");
});

test("one that says goodbye is called over a new connection", async () => {
  await startRaw((stream) => [
    frame(headers!, endsHeaders, stream, ok),
    frame(data!, endsStream, stream, String(sockets.size)),
    frame(goAway!, 0, 0, "\0\0\0\x01\0\0\0\0"),
  ]);
  expect(await textOf(await send())).toBe("1");
  await waitFor(
    "the goodbye",
    async () => (await textOf(await send())) === "2",
  );
});

test("no more requests at a time than a connection allows", async () => {
  const waiting: (() => void)[] = [];
  await startRaw(
    (stream, socket) => {
      waiting.push(() => {
        socket.write(frame(headers!, endsHeaders, stream, ok));
        socket.write(frame(data!, endsStream, stream, "x"));
      });
      return [];
    },
    { allows: "\0\x03\0\0\0\x02" },
  );
  const replies = Array.from({ length: 5 }, () => send().then(textOf));
  await waitFor("all requests", () => waiting.length === 5);
  expect(sockets.size).toBe(3);
  for (const answer of waiting) answer();
  expect(await Promise.all(replies)).toEqual(Array(5).fill("x"));
});

test("a body that breaks off is reset at the app, never ended", async () => {
  await startRaw(() => []);
  const body = new Readable({ read() {} });
  const reply = send({ method: "POST", body });
  body.push("half");
  await waitFor("the first half", () => seen.includes("0 0 half"));
  body.destroy(new Error("the caller went away"));
  await expect(reply).rejects.toThrow("the caller went away");
  await waitFor("the reset", () => seen.some((one) => one.startsWith("3 0")));
  expect(seen.filter((one) => one.startsWith("0 1"))).toEqual([]);
});

test("a request that the app refuses unseen is sent once more", async () => {
  let refusals = 1;
  await startRaw((stream) =>
    refusals-- > 0
      ? [frame(reset!, 0, stream, "\0\0\0\x07")]
      : [frame(headers!, endsHeaders | endsStream, stream, ok)],
  );
  expect((await send({ method: "POST", body: Buffer.from("x") })).status).toBe(
    200,
  );
  refusals = 2;
  await expect(send({ method: "POST" })).rejects.toMatchObject({
    unsent: true,
    message: "the app refused the request before it looked at it",
  });
});

test("a streamed body arrives whole, and headers of one name as a list", async () => {
  await listen(
    createHttp2Server((incoming, outgoing) => {
      outgoing.setHeader("seen", String(incoming.headers["x"]));
      incoming.pipe(outgoing);
    }) as never,
  );
  const body = Readable.from([Buffer.from("abc"), Buffer.from("def")]);
  const reply = await send({
    method: "POST",
    body,
    headers: ["X", "1", "x", "2", "Connection", "x"],
  });
  expect(reply.headers[1]).toBe("1, 2");
  expect(await textOf(reply)).toBe("abcdef");
});

test("a caller that goes away ends its request at the app", async () => {
  let gone = false;
  await listen(
    createHttp2Server((incoming) =>
      incoming.on("aborted", () => (gone = true)),
    ).on("sessionError", () => {}) as never,
  );
  const caller = new AbortController();
  const reply = send({
    method: "POST",
    body: new Readable({ read() {} }),
    signal: caller.signal,
  });
  await waitFor("the connection", () => sockets.size > 0);
  setImmediate(() => caller.abort(new Error("gone")));
  await expect(reply).rejects.toThrow("gone");
  await waitFor("the app to hear of it", () => gone || sockets.size === 0);
});

test("a connection stays good after many requests that were called off before they were sent", async () => {
  let count = 0;
  await startRaw((stream) =>
    ++count > 20 ? [frame(headers!, endsHeaders | endsStream, stream, ok)] : [],
  );
  for (let n = 1; n <= 20; n++) {
    const off = new AbortController();
    const body = Buffer.alloc(1024 * 1024);
    const asked = send({ method: "POST", body, signal: off.signal });
    await waitFor("the request", () => count === n);
    off.abort(new Error("called off"));
    await expect(asked).rejects.toThrow("called off");
  }
  expect((await send()).status).toBe(200);
  expect(sockets.size).toBe(1);
});
