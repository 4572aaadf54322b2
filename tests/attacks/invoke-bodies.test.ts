/** Invocation: endless heads, bodies and answers, and compressed ones, cost little memory, through one sidecar and through two. */
import { connect, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { stopAll, type Daprd } from "../support/daprd.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { startRawApp, type RawApp } from "../support/raw-app.ts";
import { startPair } from "../support/sidecar-pair.ts";
import { items, statePath, stateStore } from "../support/state-store.ts";
import { waitFor } from "../wait-for.ts";

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
let app: RawApp;
let callee: Daprd;
let caller: Daprd;
/** What the app does once it has a request's head. */
let answer: (socket: Socket) => void;
let received: number;

beforeAll(async () => {
  app = await startRawApp((socket) => {
    let head = "";
    socket.on("data", (bytes) => {
      received += bytes.length;
      if (head.includes("\r\n\r\n")) return;
      head += bytes.toString("latin1");
      if (head.includes("\r\n\r\n")) answer(socket);
    });
  });
  ({ callee, caller } = await startPair(app.port, {
    resources: { "a.yaml": stateStore("state.in-memory") },
  }));
  answer = (socket) => void socket.end(ok);
  for (let i = 0; i < 20; i++)
    for (const sidecar of [callee, caller])
      expect((await sidecar.call("POST", path, { body: "{}" })).status).toBe(
        200,
      );
});
afterAll(async () => {
  await stopAll();
  await app.close();
});
beforeEach(() => (received = 0));

const path = "/v1.0/invoke/callee/method/a";
const ways: [string, () => Daprd][] = [
  ["one sidecar", () => callee],
  ["two sidecars", () => caller],
];

/** How much either sidecar grew at most, in MB. */
async function growth(attack: () => Promise<unknown>) {
  const peaks = () =>
    canReadMemory ? [callee, caller].map(({ pid }) => memoryOf(pid).peak) : [0];
  const before = peaks();
  await attack();
  return Math.max(...peaks().map((peak, i) => peak - before[i]!));
}

/** Writes the piece again and again as long as the other side reads. */
function endless(socket: Socket, start: string, piece: string) {
  const more = () => {
    while (!socket.destroyed && socket.write(piece, "latin1"));
  };
  socket.on("drain", more);
  socket.write(start, "latin1");
  more();
}

const chunk = `${(65_536).toString(16)}\r\n${"x".repeat(65_536)}\r\n`;

describe.each(ways)("through %s", (_, way) => {
  test.each([
    ["headers", "HTTP/1.1 200 OK\r\n", `X-A: ${"a".repeat(1000)}\r\n`],
    ["one header", "HTTP/1.1 200 OK\r\nX-A: ", "a".repeat(65_536)],
    ["a status line", "HTTP/1.1 200 ", "a".repeat(65_536)],
  ])(
    "an answer with %s without end is an error",
    async (_name, start, piece) => {
      answer = (socket) => endless(socket, start, piece);
      const grown = await growth(async () => {
        const reply = await way().call("GET", path);
        expect(reply.status).toBe(500);
        expect(reply.json()).toMatchObject({ errorCode: "ERR_DIRECT_INVOKE" });
      });
      expect(grown).toBeLessThan(10);
    },
  );

  test.each([
    ["trailers", "0\r\n", `X-A: ${"a".repeat(1000)}\r\n`],
    ["an extension", "5;a=", "a".repeat(65_536)],
    ["a chunk's size", "", "0".repeat(65_536)],
  ])(
    "an answer with %s without end is cut off",
    async (_name, start, piece) => {
      answer = (socket) =>
        endless(
          socket,
          `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n${start}`,
          piece,
        );
      const grown = await growth(async () => {
        // Its beginning may or may not have been passed on already.
        const outcome = await way()
          .call("GET", path)
          .then(
            ({ status }) => String(status),
            (error: Error) => error.message,
          );
        expect(outcome).toMatch(/^500$|aborted|ECONNRESET|hang up/);
      });
      expect(grown).toBeLessThan(10);
    },
  );

  test("an endless answer is passed on as fast as it is read, and ends when its reader leaves", async () => {
    let isOver = false;
    answer = (socket) => {
      socket.on("close", () => (isOver = true));
      endless(
        socket,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        chunk,
      );
    };
    const grown = await growth(async () => {
      const socket = connect(way().port, "127.0.0.1");
      let size = 0;
      socket.on("data", (bytes) => (size += bytes.length));
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      await waitFor("64 MB", () => size > 64 * 1024 * 1024);
      socket.destroy();
      await waitFor("the app to be let go", () => isOver);
    });
    expect(grown).toBeLessThan(20);
  });

  test("an endless body is given to the app as fast as it reads, and no faster", async () => {
    answer = (socket) => socket.pause();
    const grown = await growth(async () => {
      const socket = connect(way().port, "127.0.0.1");
      socket.on("error", () => {});
      let sent = 0;
      let last = -1;
      const more = () => {
        do sent += chunk.length;
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on("drain", more);
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      more();
      await waitFor("the caller to be held back", () => {
        const stands = sent === last && received > 0;
        last = sent;
        return stands;
      });
      expect(sent).toBeLessThan(64 * 1024 * 1024);
      socket.destroy();
    });
    expect(grown).toBeLessThan(20);
  });

  test("compressed bodies are not inflated, in either direction", async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, " "));
    answer = (socket) => {
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\nConnection: close\r\n\r\n`,
      );
      socket.end(bomb);
    };
    const grown = await growth(async () => {
      const reply = await way().call("POST", path, {
        body: bomb,
        headers: { "content-encoding": "gzip", "accept-encoding": "gzip" },
      });
      expect(reply.headers).toMatchObject({
        "content-encoding": "gzip",
        "content-length": String(bomb.length),
      });
    });
    expect(received).toBeLessThan(bomb.length + 2000);
    expect(grown).toBeLessThan(10);
  });
});

test("a state request over the limit is refused unread, and a compressed one is not inflated", async () => {
  const bomb = gzipSync(Buffer.alloc(100 * 1024 * 1024, " "));
  const big = items({ key: "big", value: "x".repeat(4 * 1024 * 1024) });
  const grown = await growth(async () => {
    for (const at of [
      statePath,
      `${statePath}/bulk`,
      `${statePath}/transaction`,
    ]) {
      const zipped = await callee.call("POST", at, {
        body: bomb,
        headers: { "content-encoding": "gzip" },
      });
      expect([at, zipped.status]).toEqual([at, 400]);
      const reply = await callee.call("POST", at, { body: big });
      expect([at, reply.status, reply.text]).toEqual([
        at,
        400,
        expect.stringMatching(/"ERR_MALFORMED_REQUEST".*stream too large/),
      ]);
    }
  });
  expect(grown).toBeLessThan(20);
});
