/** Streams through the sidecar to its app: without delay, with flat memory, cut where they break (docs/protocol/invocation.md). */
import { randomBytes } from "node:crypto";
import {
  createServer,
  request,
  type ClientRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { connect as connectHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { waitFor } from "../wait-for.ts";

let server: Server;
let sidecar: Daprd;
let answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((incoming, outgoing) => answer(incoming, outgoing));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  sidecar = await startDaprd({
    appPort: (server.address() as AddressInfo).port,
    until: "ready",
    args: ["--enable-api-logging"],
  });
});
afterAll(async () => {
  await stopAll();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

const ask = (
  method: string,
  headers: Record<string, string> = {},
  path = "/stream",
) =>
  request({
    port: sidecar.port,
    method,
    path,
    headers: { "dapr-app-id": "testapp", ...headers },
    agent: false,
  });

const response = (outgoing: ClientRequest) =>
  new Promise<IncomingMessage>((resolve, reject) =>
    outgoing.once("response", resolve).once("error", reject),
  );

const gigabyte = 1024 ** 3;
const chunk = Buffer.alloc(1024 * 1024, "x");

/** Writes a gigabyte as fast as it is read. */
function pump(to: ClientRequest | ServerResponse) {
  let left = gigabyte / chunk.length;
  const more = () => {
    while (left > 0) {
      left--;
      if (!to.write(chunk)) return void to.once("drain", more);
    }
    to.end();
  };
  more();
}

async function sizeOf(incoming: AsyncIterable<Buffer>): Promise<number> {
  let size = 0;
  for await (const piece of incoming) size += piece.length;
  return size;
}

/** How much the sidecar grew at most, in MB. */
async function growth(work: () => Promise<void>): Promise<number> {
  if (!canReadMemory) return work().then(() => 0);
  const before = memoryOf(sidecar.pid).peak;
  await work();
  return memoryOf(sidecar.pid).peak - before;
}

test("events arrive as they are sent, head first", async () => {
  let send: ((text: string) => void) | undefined;
  answer = (_, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.flushHeaders();
    send = (text) => (text ? outgoing.write(text) : outgoing.end());
  };
  const outgoing = ask("GET", { accept: "text/event-stream" });
  outgoing.end();
  const incoming = await response(outgoing); // none of the body has been sent yet
  expect(incoming.headers["content-type"]).toBe("text/event-stream");
  const events = incoming.setEncoding("utf8")[Symbol.asyncIterator]();
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    send!(event);
    expect((await events.next()).value).toBe(event);
  }
  send!("");
  expect((await events.next()).done).toBe(true);
});

test("a gigabyte is uploaded with flat memory", async () => {
  answer = async (incoming, outgoing) => {
    outgoing.end(String(await sizeOf(incoming)));
  };
  for (const headers of [{}, { "content-length": String(gigabyte) }]) {
    const grown = await growth(async () => {
      const outgoing = ask("POST", headers as Record<string, string>);
      pump(outgoing);
      const incoming = await response(outgoing);
      expect(incoming.statusCode).toBe(200);
      const [text] = await incoming.setEncoding("utf8").toArray();
      expect(text).toBe(String(gigabyte));
    });
    expect(grown).toBeLessThan(20);
  }
});

test("every byte comes back as it was sent", async () => {
  answer = (incoming, outgoing) => void incoming.pipe(outgoing);
  const sent = randomBytes(30 * 1024 * 1024 + 7);
  const outgoing = ask("POST");
  outgoing.end(sent);
  const incoming = await response(outgoing);
  const got = Buffer.concat((await incoming.toArray()) as Buffer[]);
  expect(got.equals(sent)).toBe(true);
});

test("a gigabyte is downloaded with flat memory, and with a Content-Length if the app sends one", async () => {
  for (const length of [undefined, String(gigabyte)]) {
    answer = (_, outgoing) => {
      if (length) outgoing.setHeader("content-length", length);
      pump(outgoing);
    };
    const grown = await growth(async () => {
      const outgoing = ask("GET");
      outgoing.end();
      const incoming = await response(outgoing);
      expect(incoming.headers["content-length"]).toBe(length);
      expect(await sizeOf(incoming)).toBe(gigabyte);
    });
    expect(grown).toBeLessThan(20);
  }
});

test("while the caller does not read, the app has to wait", async () => {
  let written = 0;
  answer = (_, outgoing) => {
    const more = () => {
      while (written < gigabyte) {
        written += chunk.length;
        if (!outgoing.write(chunk)) return void outgoing.once("drain", more);
      }
    };
    more();
  };
  const grown = await growth(async () => {
    const outgoing = ask("GET");
    outgoing.end();
    const incoming = await response(outgoing);
    let last = -1;
    await waitFor("the app to be held back", () => {
      const stands = written === last;
      last = written;
      return stands;
    });
    incoming.destroy();
  });
  expect(written).toBeLessThan(64 * 1024 * 1024);
  expect(grown).toBeLessThan(20);
});

test("an answer that breaks off does not look complete", async () => {
  answer = (_, outgoing) => {
    outgoing.write("half");
    setImmediate(() => outgoing.destroy());
  };
  const outgoing = ask("GET");
  outgoing.end();
  const incoming = await response(outgoing);
  await expect(sizeOf(incoming)).rejects.toThrow(/aborted|ECONNRESET/);
});

test("over HTTP/2 bodies work in both directions, and a broken one resets only its own stream", async () => {
  answer = (incoming, outgoing) => {
    if (incoming.url === "/echo") return void incoming.pipe(outgoing);
    outgoing.setHeader("set-cookie", ["a=1", "b=2"]);
    outgoing.write("half");
    setImmediate(() => outgoing.destroy());
  };
  const session = connectHttp2(`http://127.0.0.1:${sidecar.port}`);
  try {
    const open = (path: string) =>
      session.request({
        ":method": "POST",
        ":path": path,
        "dapr-app-id": "testapp",
      });
    const broken = open("/die");
    broken.end();
    const head = await new Promise<object>((done) =>
      broken.once("response", done),
    );
    expect(head).toMatchObject({
      ":status": 200,
      "set-cookie": ["a=1", "b=2"],
    });
    await expect(sizeOf(broken)).rejects.toThrow();
    const echo = open("/echo");
    const big = randomBytes(5 * 1024 * 1024);
    echo.end(big);
    expect(Buffer.concat(await echo.toArray()).equals(big)).toBe(true);
  } finally {
    session.destroy();
  }
});

test("when a caller leaves, the app's request ends", async () => {
  const gone = Promise.withResolvers<void>();
  let isAsked = false;
  answer = (_, outgoing) => {
    isAsked = true;
    outgoing.on("close", () => gone.resolve());
  };
  const outgoing = ask("GET");
  outgoing.on("error", () => {});
  outgoing.end();
  await waitFor("the app to be asked", () => isAsked);
  outgoing.destroy();
  await gone.promise;
});

test("when a caller breaks off its upload, it breaks off at the app", async () => {
  const broken = Promise.withResolvers<unknown>();
  let isAsked = false;
  answer = (incoming) => {
    isAsked = true;
    incoming.on("error", broken.resolve).resume();
  };
  const outgoing = ask("POST");
  outgoing.on("error", () => {});
  outgoing.write("half");
  await waitFor("the app to be asked", () => isAsked);
  outgoing.destroy();
  expect(String(await broken.promise)).toMatch(/aborted/);
});

test("an app may answer before it has read the body", async () => {
  answer = (_, outgoing) => {
    outgoing.writeHead(413).end("too much");
  };
  const outgoing = ask("POST");
  outgoing.on("error", () => {});
  const incoming = response(outgoing);
  outgoing.write(chunk);
  const { statusCode } = await incoming;
  expect(statusCode).toBe(413);
  outgoing.destroy();
});

test("trailers are dropped, and the body before them is complete", async () => {
  answer = (_, outgoing) => {
    outgoing.writeHead(200, { trailer: "x-sum" });
    outgoing.write("body");
    outgoing.addTrailers({ "x-sum": "1" });
    outgoing.end();
  };
  const outgoing = ask("GET");
  outgoing.end();
  const incoming = await response(outgoing);
  expect(await sizeOf(incoming)).toBe(4);
  expect(incoming.trailers).toEqual({});
  expect(incoming.headers).not.toHaveProperty("trailer");
});

test("when a stream has ended, the API log has its size and duration", async () => {
  answer = (_, outgoing) => {
    outgoing.write("12345");
    setTimeout(() => outgoing.end("67890"), 150);
  };
  const outgoing = ask("GET", {}, "/logged");
  outgoing.end();
  expect(await sizeOf(await response(outgoing))).toBe(10);
  const line = await waitFor("the log line", () =>
    sidecar
      .output()
      .split("\n")
      .find((text) => text.includes("GET /logged")),
  );
  expect(line).toMatch(/ code=200 .* size=10 /);
  expect(Number(/ duration=(\d+)/.exec(line)![1])).toBeGreaterThanOrEqual(140);
});

test("SIGTERM waits for a stream under way, and its connection ends with it", async () => {
  let finish: (() => void) | undefined;
  answer = (_, outgoing) => {
    outgoing.write("begun ");
    finish = () => outgoing.end("ended");
  };
  const outgoing = ask("GET");
  outgoing.end();
  const incoming = await response(outgoing);
  sidecar.child.kill("SIGTERM");
  await sidecar.logged("Dapr is shutting down");
  setTimeout(() => finish!(), 300);
  expect((await incoming.setEncoding("utf8").toArray()).join("")).toBe(
    "begun ended",
  );
  expect(await sidecar.exited).toEqual({ code: 0, signal: null });
});
