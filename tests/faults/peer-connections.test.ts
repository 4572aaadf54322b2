/** The port for other sidecars: 1,000 idle connections, 1,000 active ones, and 1,000 that send their head byte by byte. */
import type { Socket } from "node:net";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { openConnection } from "../support/http.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../wait-for.ts";

const sockets: Socket[] = [];
let caller: Daprd;
let callee: Daprd;
let port: number;
beforeEach(async () => {
  const env = { DAPR_REGISTRY_PATH: tempFolder("registry") };
  const app = await startApp(() => ({ status: 200, body: "served" }));
  callee = await startDaprd({
    appId: "callee",
    appPort: app.port,
    until: "ready",
    env,
  });
  caller = await startDaprd({ appId: "caller", env });
  const line = await callee.logged("Internal gRPC server is running on");
  port = Number(/:(\d+)$/.exec(line)![1]);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await stopAll();
  await closeApps();
});

async function open(count: number, bytes: string) {
  const opened: Socket[] = [];
  while (opened.length < count)
    opened.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(100, count - opened.length) }, () =>
          openConnection(port, bytes),
        ),
      )),
    );
  sockets.push(...opened);
  return opened;
}

/** Makes 20 calls through both sidecars, one by one. */
async function expectServed() {
  for (let i = 0; i < 20; i++) {
    const reply = await caller.call("GET", "/v1.0/invoke/callee/method/a");
    expect([reply.status, reply.text]).toEqual([200, "served"]);
  }
}

const request = "GET /a HTTP/1.1\r\nHost: dapr-sidecar\r\ndapr-peer: 1\r\n\r\n";

test("with 1,000 idle and 1,000 active connections, all are served", async () => {
  const idle = await open(1000, request);
  const active = await open(1000, request);
  await waitFor("every first answer", () =>
    [...idle, ...active].every((socket) => socket.bytesRead > 0),
  );
  let answers = 0;
  let going = true;
  for (const socket of active)
    socket.on("data", () => {
      answers++;
      if (going) socket.write(request);
    });
  for (const socket of active) socket.write(request);
  await expectServed();
  going = false;
  expect(answers).toBeGreaterThan(1000);
  for (const socket of [...idle, ...active])
    expect(socket.destroyed || socket.readableEnded).toBe(false);
  await expectServed();
});

test("1,000 connections with slow heads are cut after about 10 s, and others are served meanwhile", async () => {
  const started = performance.now();
  const slow = [
    ...(await open(250, "")),
    ...(await open(250, "P")),
    ...(await open(250, "PRI * HTTP/2.0\r\n\r\nS")),
    ...(await open(250, "GET /a HTTP/1.1\r\nHost: dapr-si")),
  ];
  const drops = setInterval(() => {
    for (const socket of slow.slice(750))
      if (socket.writable) socket.write("a");
  }, 1000);
  try {
    let cut = 0;
    let firstMs = 0;
    for (const socket of slow) {
      socket.resume();
      socket.once("close", () => {
        cut++;
        firstMs ||= performance.now() - started;
      });
    }
    await expectServed();
    await waitFor("all of them to be cut", () => cut === 1000, 25_000);
    expect(firstMs).toBeGreaterThan(9000);
    await expectServed();
  } finally {
    clearInterval(drops);
  }
});
