/** The port for other sidecars: 1,000 idle connections, 1,000 active ones, and 1,000 that send their head byte by byte. */
import { stopAll, type Daprd } from "../support/daprd.ts";
import {
  closeConnections,
  openConnections,
  watchCuts,
} from "../support/many-connections.ts";
import { closeApps, startApp } from "../support/recording-app.ts";
import { peerPort, startPair } from "../support/sidecar-pair.ts";
import { waitFor } from "../wait-for.ts";

let caller: Daprd;
let port: number;
beforeEach(async () => {
  const app = await startApp(() => ({ status: 200, body: "served" }));
  const pair = await startPair(app.port);
  caller = pair.caller;
  port = await peerPort(pair.callee);
});
afterEach(async () => {
  closeConnections();
  await stopAll();
  await closeApps();
});

const open = (count: number, bytes: string) =>
  openConnections(count, port, bytes);

/** Makes 20 calls through both sidecars, one by one. Only a machine that is too busy to connect at all within the sidecar's limit makes it ask again. */
async function expectServed() {
  for (let i = 0; i < 20; i++) {
    const reply = await waitFor("a connection to the sidecar", async () => {
      const now = await caller.call("GET", "/v1.0/invoke/callee/method/a");
      return now.text.includes("no connection within") ? undefined : now;
    });
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
    const cuts = watchCuts(slow);
    await expectServed();
    expect((await cuts.all()) - started).toBeGreaterThan(9000);
    await expectServed();
  } finally {
    clearInterval(drops);
  }
});
