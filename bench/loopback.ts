/** Ports and a probe on 127.0.0.1. */
import { connect, createServer, type AddressInfo } from "node:net";
import { readMessages, statusOf } from "./http-messages.ts";

/** Returns ports that are free now. Each is held until all are known, so they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve, reject) =>
        server.once("listening", resolve).once("error", reject),
      );
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map((server) => new Promise((resolve) => server.close(resolve))),
  );
  return ports;
}

/** The status of a GET, or 0 while nobody listens. It uses a bare socket, which is cheap enough for one request every 2 ms. */
export function get(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.setEncoding("latin1");
    const push = readMessages((head) => {
      resolve(statusOf(head));
      socket.destroy();
    });
    socket.on("data", push);
    socket.on("error", () => resolve(0));
    socket.on("close", () => resolve(0));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  });
}
