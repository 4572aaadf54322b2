/** 1,000 idle connections, 1,000 active ones, and 1,000 that send their headers byte by byte. Health checks are answered throughout. */
import { once } from "node:events";
import { Agent } from "node:http";
import { startDaprd, stopAll, type Daprd } from "../support/daprd.ts";
import { embedded, order } from "../support/embedded.ts";
import {
  closeConnections,
  openConnections,
  watchCuts,
} from "../support/many-connections.ts";
import { waitFor } from "../wait-for.ts";

afterEach(async () => {
  closeConnections();
  await stopAll();
});

/** Makes 20 health checks on connections of their own. */
async function expectHealthy(sidecar: Daprd) {
  for (let i = 0; i < 20; i++)
    expect((await sidecar.call("GET", "/v1.0/healthz")).status).toBe(204);
}

const request = (extra = "") =>
  `GET /v1.0/healthz HTTP/1.1\r\nHost: localhost\r\n${extra}\r\n`;

test("with 1,000 idle and 1,000 active connections, all are served and memory stays low", async () => {
  const sidecar = await startDaprd({
    until: "ready",
    resources: { "a.yaml": embedded("orders", { synchronous: "normal" }) },
  });
  const idle = await openConnections(1000, sidecar.port, request());
  await waitFor("every idle one's first answer", () =>
    idle.every((socket) => socket.bytesRead > 0),
  );

  const agent = new Agent({ keepAlive: true, maxSockets: 1000 });
  const statuses = new Map<number, number>();
  let going = true;
  const caller = async () => {
    do {
      const { status } = await sidecar.call("POST", "/v1.0/bindings/orders", {
        body: order(1),
        agent,
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    } while (going);
  };
  const callers = Array.from({ length: 1000 }, caller);
  await expectHealthy(sidecar);
  going = false;
  await Promise.all(callers);
  agent.destroy();
  expect([...statuses.keys()]).toEqual([204]);
  expect(statuses.get(204)).toBeGreaterThanOrEqual(1000);
  expect(
    idle.every((socket) => !socket.destroyed && !socket.readableEnded),
  ).toBe(true);
  await expectHealthy(sidecar);
});

test("1,000 connections with slow headers are cut after about 10 s, and others are served meanwhile", async () => {
  const sidecar = await startDaprd({ until: "ready" });
  const started = performance.now();
  const slow = await openConnections(
    1000,
    sidecar.port,
    "GET /v1.0/healthz HTTP/1.1\r\nHost: loc",
  );
  const drops = setInterval(() => {
    for (const socket of slow) if (socket.writable) socket.write("a");
  }, 1000);
  try {
    await expectHealthy(sidecar);
    const cuts = watchCuts(slow);
    expect((await cuts.all()) - started).toBeGreaterThan(9000);
    await expectHealthy(sidecar);
  } finally {
    clearInterval(drops);
  }
});

test("DAPR_HTTP_HEADER_TIMEOUT sets the time after which slow headers are cut", async () => {
  const usual = await startDaprd({ until: "ready" });
  const quick = await startDaprd({
    until: "ready",
    env: { DAPR_HTTP_HEADER_TIMEOUT: "1s" },
  });
  const cut = async ({ port }: Daprd) => {
    const [slow] = await openConnections(
      1,
      port,
      "GET / HTTP/1.1\r\nHost: loc",
    );
    await once(slow!.resume(), "close");
    return port;
  };
  // The sidecar with the default, which is asked first, waits nine seconds longer.
  expect(await Promise.race([cut(usual), cut(quick)])).toBe(quick.port);
});
