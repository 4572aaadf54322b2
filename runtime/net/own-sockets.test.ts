import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { spawn } from "node:child_process";
import { isOwnSocket, watchOwnSockets } from "./own-sockets.ts";

watchOwnSockets();

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["127.0.0.1", "::"],
  ["::1", "::1"],
  ["127.0.0.2", "0.0.0.0"],
])(
  "a connection to %s, served on %s, is known by its far end",
  async (host, listenOn) => {
    const server = createServer((socket) => socket.resume());
    server.listen(0, listenOn);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const connected = once(server, "connection");
    const client = connect({ host, port });
    await once(client, "connect");
    const [served] = (await connected) as [Socket];
    const far = {
      remoteAddress: served.remoteAddress,
      remotePort: served.remotePort,
    };
    expect(isOwnSocket(far)).toBe(true);
    expect(isOwnSocket({ ...far, remotePort: 1 })).toBe(false);
    client.destroy();
    await once(client, "close");
    expect(isOwnSocket(far)).toBe(false);
    server.close();
  },
);

test("one of another process is not", async () => {
  const server = createServer((socket) => socket.resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connected = once(server, "connection");
  const other = spawn(process.execPath, [
    "-e",
    `require("node:net").connect(${port}, "127.0.0.1")`,
  ]);
  const [served] = (await connected) as [Socket];
  expect(isOwnSocket(served)).toBe(false);
  other.kill();
  server.close();
});
