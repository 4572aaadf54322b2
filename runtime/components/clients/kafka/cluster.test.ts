import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Logger } from "../../../shared/log.ts";
import { cutBroker, openCluster } from "./cluster.ts";

const accepted: Socket[] = [];
const server = createServer((socket) => {
  socket.on("error", () => {});
  accepted.push(socket);
});
afterAll(async () => {
  for (const one of accepted) one.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test("a connection that is cut again and again collects no listeners", async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const arrived = new Promise((resolve) => server.once("connection", resolve));
  const cluster = openCluster({
    brokers: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
    clientId: "test",
    tls: undefined,
    sasl: undefined,
    dialTimeoutMs: 5000,
    requestTimeoutMs: 30_000,
    metadataRefreshMs: 0,
    keepAliveMs: 0,
    log: { debug() {} } as unknown as Logger,
  });
  const connecting = cluster.connect().catch(String);
  await arrived;
  const broker = cluster.brokerPool.seedBroker!;
  const socket = broker.connectionPool.pool.find((one) => one.socket)!
    .socket as unknown as Socket;
  for (let cut = 0; cut < 12; cut++) {
    cutBroker(broker, new Error("cut"));
    await new Promise(setImmediate);
  }
  expect(await connecting).toContain("cut");
  // A few are its own.
  expect(socket.listenerCount("connect")).toBeLessThan(12);
});
