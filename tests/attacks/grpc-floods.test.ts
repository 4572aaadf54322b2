/** Callers of the gRPC API who would fill its memory or take all of its time. Each is sent away or held back; health is answered meanwhile, and memory comes back. */
import {
  connect as connectHttp2,
  constants,
  type ClientHttp2Session,
} from "node:http2";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import {
  closeGrpc,
  dapr,
  encodeRequest,
  nameOf,
  openGrpc,
} from "../support/grpc-api.ts";
import { canReadMemory, memoryOf } from "../support/memory.ts";
import { besideHealth, stallLimitMs } from "../support/stall.ts";
import { stateStore } from "../support/state-store.ts";
import { untilStill } from "../support/stand-still.ts";
import { waitFor } from "../wait-for.ts";

const storeName = "statestore";
/** What the heap may keep of an attack, in MB: it is not collected at once. */
const keptMb = 80;

let sidecar: Daprd;
let before = 0;
beforeEach(async () => {
  sidecar = await startDaprd({
    resources: { "a.yaml": stateStore("state.in-memory") },
  });
  const api = openGrpc(sidecar.grpcPort);
  const value = Buffer.alloc(1024 * 1024, "a");
  await api.call("SaveState", { storeName, states: [{ key: "big", value }] });
  for (let i = 0; i < 20; i++)
    await api.call("GetState", { storeName, key: "big" });
  if (canReadMemory) before = memoryOf(sidecar.pid).rss;
});
afterEach(async () => {
  closeGrpc();
  await stopAll();
});

/** After the attack: others are served, and memory is about what it was. */
async function expectUnharmed() {
  const api = openGrpc(sidecar.grpcPort);
  const { code } = await api.call("GetState", { storeName, key: "a" });
  expect(nameOf(code)).toBe("OK");
  if (canReadMemory)
    await waitFor(
      "the memory to come back",
      () => memoryOf(sidecar.pid).rss < before + keptMb,
    );
}

async function unharmedBy(attack: () => Promise<void>) {
  const { stallMs } = await besideHealth(sidecar, attack);
  expect(stallMs).toBeLessThan(stallLimitMs);
  await expectUnharmed();
}

const head = (method: string) => ({
  ":method": "POST",
  ":path": `/${dapr}/${method}`,
  "content-type": "application/grpc",
  te: "trailers",
});

function openSession(port = sidecar.grpcPort): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`, {
    maxSessionMemory: 1000,
  });
  session.on("error", () => {});
  return session;
}

const frame = (message: Buffer, flag = 0): Buffer => {
  const start = Buffer.from([flag, 0, 0, 0, 0]);
  start.writeUInt32BE(message.length, 1);
  return Buffer.concat([start, message]);
};

test("calls that are reset at once (CVE-2023-44487)", async () => {
  await unharmedBy(async () => {
    const session = openSession();
    const ended = new Promise<void>((resolve) => session.on("close", resolve));
    let isOver = false;
    void ended.then(() => (isOver = true));
    let sent = 0;
    while (!isOver && sent < 200_000) {
      for (let i = 0; i < 500 && !session.destroyed; i++, sent++) {
        const stream = session.request(head("GetState"), { endStream: false });
        stream.on("error", () => {});
        stream.close(constants.NGHTTP2_CANCEL);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    // The sidecar ends the connection.
    await ended;
  });
});

test("headers that never end (CVE-2024-27316)", async () => {
  await unharmedBy(async () => {
    const socket = await openRaw();
    const closed = new Promise<void>((resolve) => socket.on("close", resolve));
    // HEADERS without END_HEADERS, then CONTINUATION after CONTINUATION (RFC 9113 §6.10).
    const http2Frame = (type: number, flags: number, payload: Buffer) => {
      const start = Buffer.alloc(9);
      start.writeUIntBE(payload.length, 0, 3);
      start[3] = type;
      start[4] = flags;
      start.writeUInt32BE(1, 5);
      return Buffer.concat([start, payload]);
    };
    // Literal header field without indexing, name "a", a value of 16,000 bytes (RFC 7541 §6.2.2).
    const field = Buffer.concat([
      Buffer.from([0x00, 0x01, 0x61, 0x7f, 0x81, 0x7c]),
      Buffer.alloc(16_000, "b"),
    ]);
    socket.write(http2Frame(1, 0, field));
    let isOpen = true;
    void closed.then(() => (isOpen = false));
    for (let i = 0; isOpen && i < 10_000; i++)
      if (!socket.write(http2Frame(9, 0, field)))
        await Promise.race([
          new Promise((resolve) => socket.once("drain", resolve)),
          closed,
        ]);
    await closed;
  });
});

/** A connection of HTTP/2 without a library that would not do such things. */
function openRaw(): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(sidecar.grpcPort, "127.0.0.1", () => {
      socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
      resolve(socket);
    });
    socket.on("error", () => {});
    socket.resume();
  });
}

test("10,000 calls that send nothing", async () => {
  await unharmedBy(async () => {
    const sessions: ClientHttp2Session[] = [];
    for (let n = 0; n < 10; n++) {
      const session = openSession();
      sessions.push(session);
      await new Promise<void>((resolve) =>
        session.once("remoteSettings", () => resolve()),
      );
      expect(session.remoteSettings.maxConcurrentStreams).toBe(1000);
      for (let i = 0; i < 1000; i++)
        session
          .request(head("GetState"), { endStream: false })
          .on("error", () => {});
    }
    for (const session of sessions)
      await new Promise<void>((resolve) => session.ping(() => resolve()));
    await openGrpc(sidecar.grpcPort).call("GetMetadata");
    for (const session of sessions) session.destroy();
  });
});

test("a caller that never reads its answers", async () => {
  await unharmedBy(async () => {
    const session = openSession();
    const ended = new Promise<void>((resolve) => session.on("close", resolve));
    const request = frame(
      encodeRequest(dapr, "GetState", { storeName, key: "big" }),
    );
    let answered = 0;
    for (let i = 0; i < 100; i++) {
      const stream = session.request(head("GetState"));
      stream.on("error", () => {});
      stream.on("response", () => answered++);
      stream.pause();
      stream.end(request);
    }
    await untilStill("the answers", () => answered);
    session.destroy();
    await ended;
  });
});

test("messages that are small and unpack to much", async () => {
  await unharmedBy(async () => {
    const session = openSession();
    const large = encodeRequest(dapr, "SetMetadata", {
      key: "a",
      value: "b".repeat(4_000_000),
    });
    const packed = frame(gzipSync(large), 1);
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, () => statusOf(session, packed)),
    );
    expect(new Set(outcomes)).toEqual(new Set(["3"]));
    const tooLarge = frame(gzipSync(Buffer.alloc(64 * 1024 * 1024)), 1);
    expect(await statusOf(session, tooLarge)).toBe("8");
    // It says that it has 10 bytes.
    const lie = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    lie.writeUInt32LE(10, lie.length - 4);
    expect(await statusOf(session, frame(lie, 1))).toBe("8");
    const shorterLie = gzipSync(Buffer.alloc(1024 * 1024));
    shorterLie.writeUInt32LE(10, shorterLie.length - 4);
    const lies = await Promise.all(
      Array.from({ length: 200 }, () =>
        statusOf(session, frame(shorterLie, 1)),
      ),
    );
    expect(new Set(lies)).toEqual(new Set(["13"]));
    session.destroy();
  });
});

/** It never answers. */
async function startSlowApp() {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    if (request.url !== "/slow") return void response.writeHead(404).end();
    asked++;
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    asked: () => asked,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("1,000 small messages that unpack to much, for an app that does not answer: other callers' are served meanwhile", async () => {
  const app = await startSlowApp();
  const slow = await startDaprd({
    appId: "slow",
    appPort: app.port,
    until: "ready",
    resources: { "a.yaml": stateStore("state.in-memory") },
  });
  try {
    const attacker = openSession(slow.grpcPort);
    const bomb = frame(
      gzipSync(
        encodeRequest(dapr, "InvokeService", {
          id: "slow",
          message: {
            method: "slow",
            data: { value: Buffer.alloc(4_000_000) },
            httpExtension: { verb: "POST" },
          },
        }),
      ),
      1,
    );
    const bombs = Array.from({ length: 999 }, () =>
      statusOf(attacker, bomb, "InvokeService"),
    );
    // One connection leaves as much of the room as it takes.
    await waitFor("calls of the app", () => app.asked() === 8);
    expect(await untilStill("calls of the app", app.asked)).toBe(8);
    const other = openSession(slow.grpcPort);
    const save = (bytes: number) =>
      statusOf(
        other,
        frame(
          gzipSync(
            encodeRequest(dapr, "SaveState", {
              storeName,
              states: [{ key: "a", value: Buffer.alloc(bytes, "a") }],
            }),
          ),
          1,
        ),
        "SaveState",
      );
    for (let i = 0; i < 20; i++) {
      expect(await save(10)).toBe("0");
      expect(await save(4_000_000)).toBe("0");
    }
    // The attacker's own small one does not wait either.
    const get = encodeRequest(dapr, "GetState", { storeName, key: "b" });
    expect(await statusOf(attacker, frame(gzipSync(get), 1), "GetState")).toBe(
      "0",
    );
    expect(app.asked()).toBe(8);
    attacker.destroy();
    await Promise.all(bombs);
    other.destroy();
    // Its calls are over, and their room is free.
    const again = openSession(slow.grpcPort);
    for (let i = 0; i < 8; i++) void statusOf(again, bomb, "InvokeService");
    await waitFor("calls of the app", () => app.asked() === 16);
    again.destroy();
  } finally {
    app.close();
  }
});

function statusOf(
  session: ClientHttp2Session,
  body: Buffer,
  method = "SetMetadata",
): Promise<unknown> {
  return new Promise((resolve) => {
    const stream = session.request({
      ...head(method),
      "grpc-encoding": "gzip",
    });
    stream.on("error", () => {});
    let status: unknown;
    const take = (headers: Record<string, unknown>) =>
      (status ??= headers["grpc-status"]);
    stream.on("response", take).on("trailers", take);
    stream.on("close", () => resolve(status));
    stream.resume();
    stream.end(body);
  });
}

test("a message of a million fields", async () => {
  await unharmedBy(async () => {
    const session = openSession();
    // `keys` and `states` of GetBulkState and SaveState, each empty: two bytes.
    for (const [method, tag] of [
      ["GetBulkState", 0x12],
      ["SaveState", 0x12],
    ] as const) {
      const start = encodeRequest(dapr, method, { storeName });
      const fields = Buffer.alloc(2_000_000);
      for (let i = 0; i < fields.length; i += 2) fields[i] = tag;
      const body = frame(Buffer.concat([start, fields]));
      const stream = session.request(head(method));
      const status = new Promise((resolve) =>
        stream.on("response", (headers) => resolve(headers["grpc-status"])),
      );
      stream.resume();
      stream.end(body);
      expect(await status).toBe("13");
    }
    session.destroy();
  });
});
