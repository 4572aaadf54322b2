/** A million chunks of one byte, from an app and to it, take little more time and memory than their bytes on the wire. */
import { connect, type Socket } from "node:net";
import { canReadCpu, mainThreadMs } from "../support/cpu.ts";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { startRawApp, type RawApp } from "../support/raw-app.ts";

const count = 1_000_000;
const last = "0\r\n\r\n";
const oneByOne = Buffer.from("1\r\nx\r\n".repeat(count) + last);
const large = `10000\r\n${"x".repeat(65_536)}\r\n`;
const inLarge = Buffer.from(
  large.repeat(Math.ceil(oneByOne.length / large.length)) + last,
);
const path = "/v1.0/invoke/callee/method";

let app: RawApp;
let sidecar: Daprd;
/** The size of the last upload as the app received it, framing included. */
let uploadedBytes: number;
beforeAll(async () => {
  app = await startRawApp((socket) => {
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0 || (text.startsWith("POST") && !text.endsWith(last))) return;
      uploadedBytes = text.length - end - 4;
      answer(socket, text.split(" ")[1]!);
      text = "";
    });
  });
  sidecar = await startDaprd({
    appId: "callee",
    appPort: app.port,
    until: "ready",
  });
});
afterAll(async () => {
  await stopAll();
  await app.close();
});

function answer(socket: Socket, asked: string) {
  if (asked !== "/small" && asked !== "/large")
    return void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  socket.write(asked === "/small" ? oneByOne : inLarge);
}

/** Resolves with the bytes of the answer once `end` has come. */
const call = (head: string, body: Uint8Array, end: string) =>
  new Promise<number>((resolve, reject) => {
    const socket = connect(sidecar.port, "127.0.0.1");
    let bytes = 0;
    let tail = "";
    socket.write(`${head} HTTP/1.1\r\nHost: localhost\r\n`);
    socket.write(body);
    socket.on("data", (part) => {
      bytes += part.length;
      tail = (tail + part.toString("latin1")).slice(-end.length);
      if (tail === end) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(bytes));
  });

const get = (name: string) =>
  call(`GET ${path}/${name}`, Buffer.from("\r\n"), last);

async function costMs(name: string): Promise<number> {
  const before = mainThreadMs(sidecar.pid);
  for (let i = 0; i < 5; i++) await get(name);
  return mainThreadMs(sidecar.pid) - before;
}

test("an answer with one byte per chunk costs at most twice as much as one in large chunks", async () => {
  expect(await get("small")).toBeLessThan(1.1 * count); // which means few chunks
  expect(await get("large")).toBeGreaterThan(oneByOne.length);
  if (!canReadCpu) return;
  const least = { small: Infinity, large: Infinity };
  for (let round = 0; round < 8; round++)
    for (const name of ["small", "large"] as const)
      least[name] = Math.min(least[name], await costMs(name));
  expect(least.small / least.large).toBeLessThan(2);
});

test("an upload with one byte per chunk reaches the app in few chunks", async () => {
  const head = Buffer.from("Transfer-Encoding: chunked\r\n\r\n");
  await call(`POST ${path}/up`, Buffer.concat([head, oneByOne]), "ok");
  expect(uploadedBytes).toBeGreaterThan(count);
  expect(uploadedBytes).toBeLessThan(1.1 * count);
});
