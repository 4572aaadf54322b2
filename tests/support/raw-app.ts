/** An app that reads and writes bare TCP, for answers that no HTTP server gives. */
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";

export interface RawApp {
  port: number;
  close(): Promise<void>;
}

/** Listens on loopback. An error of a connection only ends that connection. */
export async function startRawApp(
  onConnection: (socket: Socket) => void,
): Promise<RawApp> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
