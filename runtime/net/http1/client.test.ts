import { createServer, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import {
  setImmediate as turn,
  setTimeout as delay,
} from "node:timers/promises";
import {
  isConnectError,
  type ForwardReply,
  type ForwardRequest,
} from "../../contracts/invocation.ts";
import { createHttp1Client, type Http1Client } from "./client.ts";

const ok = (body: string, headers = "") =>
  `HTTP/1.1 200 OK\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

let server: Server;
let client: Http1Client;
let sockets: Socket[];
afterEach(async () => {
  client.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((done) => server.close(done));
});

/** A server that hands each complete head (with what came behind it) to `answer`, and a client for it. */
async function start(
  answer: (text: string, socket: Socket, connection: number) => void,
) {
  sockets = [];
  server = createServer((socket) => {
    const connection = sockets.push(socket);
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      const whole = text;
      text = "";
      answer(whole, socket, connection);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  client = createHttp1Client({
    host: "127.0.0.1",
    port,
    authority: "app:1",
  });
}

const send = (more: Partial<ForwardRequest> = {}, token?: string) =>
  client.forward(
    { method: "GET", path: "/a", headers: [], body: undefined, ...more },
    token,
  );

async function textOf({ body }: ForwardReply): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body).toString("latin1");
  return Buffer.concat(await body.toArray()).toString("latin1");
}

/** Until a connection whose answer is read is kept. */
async function nothingMore() {
  for (let turns = 0; turns < 3; turns++) await turn();
}

test("a request goes out as one head and body, with the token and no header of the caller's connection", async () => {
  let seen = "";
  await start((text, socket) => {
    seen = text;
    socket.write(ok("hi"));
  });
  const headers = [
    "Host",
    "evil",
    "Content-Length",
    "99",
    "Connection",
    "x",
    "Dapr-Api-Token",
    "other",
    "X",
    "1",
    "X",
    "2",
  ];
  const body = Buffer.from("hello");
  const reply = await send({ method: "POST", headers, body }, "secret");
  expect(await textOf(reply)).toBe("hi");
  expect(seen).toBe(
    "POST /a HTTP/1.1\r\nhost: app:1\r\nX: 1\r\nX: 2\r\ndapr-api-token: secret\r\ncontent-length: 5\r\n\r\nhello",
  );
});

test("a connection serves one request after the other", async () => {
  await start((text, socket) => socket.write(ok(text.split(" ")[1]!)));
  for (const path of ["/a", "/b", "/c"]) {
    expect(await textOf(await send({ path }))).toBe(path);
    await nothingMore();
  }
  expect(sockets).toHaveLength(1);
  await Promise.all([send(), send()]);
  expect(sockets).toHaveLength(2);
});

test("a connection is not used again before what was sent behind the answer can be read", async () => {
  await start((text, socket) => socket.write(ok(text.split(" ")[1]!)));
  expect(await textOf(await send({ path: "/a" }))).toBe("/a");
  expect(await textOf(await send({ path: "/b" }))).toBe("/b");
  expect(sockets).toHaveLength(2);
});

// A poll of the event loop reads at most 32 times 64 KiB of a connection.
test.each([1, 31, 32, 33, 64])(
  "a second answer behind one that ends with read %i of 64 KiB is nobody's",
  async (reads) => {
    const size = reads * 64 * 1024;
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`;
    const first = head.replace(String(size), String(size - head.length));
    const body = "A".repeat(size - first.length);
    await start((text, socket) =>
      socket.write(
        text.includes("/evil") ? first + body + ok("smuggled") : ok("good"),
        "latin1",
      ),
    );
    for (let round = 0; round < 20; round++) {
      const evil = send({ path: "/evil" }).then(textOf);
      const after = evil.then(() => send({ method: "POST" })).then(textOf);
      const beside = send({ method: "POST" }).then(textOf);
      expect((await evil).length).toBe(body.length);
      expect(await after).toBe("good");
      expect(await beside).toBe("good");
      await nothingMore();
      expect(await textOf(await send({ method: "POST" }))).toBe("good");
    }
  },
);

test.each<[string, string, string]>([
  [
    "204 with a length",
    "POST",
    "HTTP/1.1 204 No\r\nContent-Length: 46\r\n\r\n",
  ],
  [
    "204 in chunks",
    "POST",
    "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
  ],
  ["304 with a length", "PUT", "HTTP/1.1 304 No\r\nContent-Length: 46\r\n\r\n"],
  [
    "HEAD with a length",
    "HEAD",
    "HTTP/1.1 200 OK\r\nContent-Length: 46\r\n\r\n",
  ],
  ["HEAD without one", "HEAD", "HTTP/1.1 200 OK\r\n\r\n"],
  [
    "close beside keep-alive",
    "POST",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
  ],
])(
  "what comes late behind an answer of %s is nobody's",
  async (_, method, head) => {
    let evil: Socket;
    await start((text, socket) => {
      if (!text.includes("/evil")) return socket.write(ok("good"));
      evil = socket;
      return socket.write(head);
    });
    for (let round = 0; round < 5; round++) {
      await send({ path: "/evil", method });
      await nothingMore();
      const next = send({ method: "POST" });
      await nothingMore();
      evil!.write(ok("smuggled"));
      expect(await textOf(await next)).toBe("good");
    }
  },
);

test.each([
  ["says it closes", ok("x", "Connection: close\r\n")],
  ["is kept too short a time", ok("x", "Keep-Alive: timeout=1\r\n")],
  ["holds more than the answer", ok("x") + ok("smuggled")],
])("a connection that %s is not used again", async (_, answer) => {
  await start((_text, socket) => socket.write(answer));
  expect(await textOf(await send())).toBe("x");
  await nothingMore();
  expect(await textOf(await send())).toBe("x");
  expect(sockets).toHaveLength(2);
});

test("a connection whose end was the answer's is not used again", async () => {
  await start((_, socket, connection) =>
    socket.end(`HTTP/1.1 200 OK\r\n\r\n${connection}`),
  );
  expect(await textOf(await send({ method: "POST" }))).toBe("1");
  await nothingMore();
  expect(await textOf(await send({ method: "POST" }))).toBe("2");
});

test("bytes nobody asked for end a kept connection", async () => {
  await start((_, socket) => socket.write(ok("x")));
  await send();
  const ended = new Promise((done) => sockets[0]!.once("close", done));
  sockets[0]!.write(ok("smuggled"));
  await ended;
  expect(await textOf(await send())).toBe("x");
});

test.each(["GET", "PUT", "DELETE"])(
  "a %s that meets an ended connection is sent again on a new one",
  async (method) => {
    await start((_, socket, connection) => {
      if (connection === 1 && socket.bytesWritten > 0) socket.destroy();
      else socket.write(ok(`${connection}`));
    });
    expect(await textOf(await send())).toBe("1");
    await nothingMore();
    expect(await textOf(await send({ method }))).toBe("2");
  },
);

test("a POST may have been the reason: it is not sent again", async () => {
  let posts = 0;
  await start((text, socket, connection) => {
    if (text.startsWith("POST")) posts++;
    if (connection === 1 && socket.bytesWritten > 0) socket.destroy();
    else socket.write(ok("x"));
  });
  await send();
  await nothingMore();
  await expect(send({ method: "POST" })).rejects.toThrow(/closed|ECONNRESET/);
  expect(posts).toBe(1);
});

test("a new connection that ends without an answer is an error, not tried again", async () => {
  await start((_, socket) => socket.end());
  await expect(send()).rejects.toThrow(
    "it closed the connection without an answer",
  );
  expect(sockets).toHaveLength(1);
});

test("nothing listens: the error says so", async () => {
  await start(() => {});
  client.close();
  client = createHttp1Client({ host: "127.0.0.1", port: 1, authority: "x" });
  await expect(send()).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("an app that dies in a short answer is an error", async () => {
  await start((_, socket) =>
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"),
  );
  await expect(send()).rejects.toThrow("in the middle of its answer");
});

test("an app that dies in a streamed answer fails the stream", async () => {
  await start((_, socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    socket.write("3\r\nhel\r\n", () => socket.destroy());
  });
  const reply = await send();
  expect(reply.status).toBe(200);
  await expect(textOf(reply)).rejects.toThrow();
});

test("an answer that comes in pieces is streamed as they come", async () => {
  let more: ((text: string) => void) | undefined;
  await start((_, socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    more = (text) => socket.write(text);
  });
  const { body } = await send();
  const pieces = (body as Readable)[Symbol.asyncIterator]();
  for (const piece of ["one", "two"]) {
    more!(`3\r\n${piece}\r\n`);
    expect(String((await pieces.next()).value)).toBe(piece);
  }
  more!("0\r\n\r\n");
  expect((await pieces.next()).done).toBe(true);
});

test("a reader that is slow holds the app back", async () => {
  const size = 64 * 1024 * 1024;
  await start((_, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    const chunk = Buffer.alloc(1024 * 1024);
    const pump = () => {
      while (socket.bytesWritten < size && socket.write(chunk));
    };
    socket.on("drain", pump);
    pump();
  });
  const body = (await send()).body as Readable;
  await delay(200);
  expect(body.readableLength).toBeLessThan(256 * 1024);
  let total = 0;
  for await (const piece of body) total += (piece as Buffer).length;
  expect(total).toBe(size);
});

test("a streamed body goes out in few chunks, or by the length its caller told", async () => {
  const seen: string[] = [];
  await start((text, socket) => {
    let all = text;
    socket.removeAllListeners("data").on("data", (more) => (all += more));
    const wait = setInterval(() => {
      if (!all.endsWith("0\r\n\r\n") && !all.endsWith("\r\n\r\nabcdef")) return;
      clearInterval(wait);
      seen.push(all);
      socket.write(ok("x", "Connection: close\r\n"));
    }, 5);
  });
  const body = () => Readable.from([Buffer.from("abc"), Buffer.from("def")]);
  await send({ method: "PUT", body: body() });
  await send({ method: "PUT", body: body(), headers: ["Content-Length", "6"] });
  expect(seen).toEqual([
    "PUT /a HTTP/1.1\r\nhost: app:1\r\ntransfer-encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n",
    "PUT /a HTTP/1.1\r\nhost: app:1\r\ncontent-length: 6\r\n\r\nabcdef",
  ]);
});

test.each(["5", "7"])(
  "six bytes that were said to be %s end the connection",
  async (length) => {
    await start(() => {});
    const body = Readable.from([Buffer.from("abc"), Buffer.from("def")]);
    const headers = ["content-length", length];
    await expect(send({ method: "PUT", body, headers })).rejects.toThrow(
      "the body is not as long as its Content-Length",
    );
  },
);

test("a body that breaks off ends the request", async () => {
  await start(() => {});
  const body = new Readable({ read() {} });
  const reply = send({ method: "PUT", body });
  body.push("abc");
  body.destroy(new Error("the caller went away"));
  await expect(reply).rejects.toThrow("the caller went away");
});

test("a body that is gone already is no request without end", async () => {
  await start(() => {});
  const body = new Readable({ read() {} }).destroy();
  await expect(send({ method: "PUT", body })).rejects.toThrow(
    "the body of the request broke off",
  );
});

test("an answer before the body's end is given, and the connection not used again", async () => {
  await start((_, socket) => socket.write(ok("enough")));
  const body = new Readable({ read() {} });
  body.push("abc");
  expect(await textOf(await send({ method: "PUT", body }))).toBe("enough");
  await nothingMore();
  expect(await textOf(await send())).toBe("enough");
  expect(sockets).toHaveLength(2);
});

test("a caller that goes away takes its connection along", async () => {
  await start(() => {});
  const gone = new AbortController();
  const reply = send({ signal: gone.signal });
  setImmediate(() => gone.abort(new Error("gone")));
  await expect(reply).rejects.toThrow("gone");
  await expect(send({ signal: gone.signal })).rejects.toThrow("gone");
});

test("a stream that is given up ends its connection at the app", async () => {
  let closed: Promise<unknown> | undefined;
  await start((_, socket) => {
    closed = new Promise((done) => socket.once("close", done));
    socket.write("HTTP/1.1 200 OK\r\n\r\nendless");
  });
  const { body } = await send();
  (body as Readable).destroy();
  await closed;
});

test.each<[string, Partial<ForwardRequest>]>([
  ["a path with a line end", { path: "/a\r\nX: 1" }],
  ["a path with a space", { path: "/a b" }],
  ["no path", { path: "" }],
  ["a header with a line end", { headers: ["X", "1\r\nY: 2"] }],
  ["a header whose low byte is one", { headers: ["X", "1\u010d\u010aY: 2"] }],
  ["a name with a colon", { headers: ["X: 1\r\nY", "2"] }],
  ["a method with a space", { method: "GET /x" }],
  ["CONNECT", { method: "CONNECT" }],
])("%s is never sent", async (_, request) => {
  await start((_text, socket) => socket.write(ok("x")));
  await expect(send(request)).rejects.toMatchObject({
    kind: "invalid",
    unsent: true,
  });
  expect(sockets).toHaveLength(0);
});

test("one that is retired lets the calls it carries end, and keeps no connection", async () => {
  const held = Promise.withResolvers<Socket>();
  await start((text, socket) => {
    if (text.includes("/slow")) held.resolve(socket);
    else socket.write(ok("kept"));
  });
  const slow = send({ path: "/slow" });
  const socket = await held.promise;
  await send();
  client.retire();
  const [, free] = sockets;
  await new Promise((done) => free!.once("close", done));
  socket.write(ok("late"));
  expect(await textOf(await slow)).toBe("late");
  await new Promise((done) => socket.once("close", done));
});

test("a POST does not go out on a connection that the app has closed by then", async () => {
  let posts = 0;
  await start((text, socket) => {
    if (text.startsWith("POST")) posts++;
    socket.write(ok("hi"));
  });
  await textOf(await send());
  await nothingMore();
  const { now } = performance;
  const later = jest.spyOn(performance, "now");
  later.mockImplementation(() => now.call(performance) + 10);
  // Its end is there, and nobody has read it yet.
  sockets[0]!.destroy();
  const reply = await send({ method: "POST" });
  later.mockRestore();
  expect(await textOf(reply)).toBe("hi");
  expect([posts, sockets.length]).toEqual([1, 2]);
});

test("a caller that leaves while a connection is looked at keeps it for the next", async () => {
  await start((_text, socket) => socket.write(ok("hi")));
  await textOf(await send());
  await nothingMore();
  const { now } = performance;
  const later = jest.spyOn(performance, "now");
  later.mockImplementation(() => now.call(performance) + 10);
  const caller = new AbortController();
  const call = send({ method: "POST", signal: caller.signal });
  caller.abort();
  await expect(call).rejects.toThrow("aborted");
  later.mockRestore();
  await textOf(await send());
  await nothingMore();
  expect(sockets).toHaveLength(1);
});

test.each([
  ["had closed before it came is sent anew", true],
  ["closed once it had come is an error: the app may have read it", false],
])("a POST on a kept connection that the app %s", async (_, isBefore) => {
  let posts = 0;
  await start((text, socket) => {
    if (text.startsWith("POST") && ++posts === 1 && !isBefore) socket.destroy();
    else socket.write(ok("hi"));
  });
  await textOf(await send());
  await nothingMore();
  const still = jest.spyOn(performance, "now");
  still.mockReturnValue(performance.now()); // used just now, so not looked at
  if (isBefore) sockets[0]!.destroy();
  const call = send({ method: "POST", body: Buffer.from("order") });
  still.mockRestore();
  if (isBefore) expect(await textOf(await call)).toBe("hi");
  else
    await expect(call).rejects.toThrow(
      "it closed the connection without an answer",
    );
  expect([posts, sockets.length]).toEqual([1, isBefore ? 2 : 1]);
});

test("a new connection that is reset tells whether it had taken the request", async () => {
  await start(() => {});
  server.on("connection", (socket) => socket.resetAndDestroy());
  const call = send({ method: "POST", body: Buffer.from("order") });
  await expect(call).rejects.toMatchObject({ code: "ECONNRESET" });
  const error = await call.catch((reason: NodeJS.ErrnoException) => reason);
  // Which of them depends on who comes first.
  expect(isConnectError(error)).toBe(
    (error as NodeJS.ErrnoException).syscall !== "read",
  );
});
