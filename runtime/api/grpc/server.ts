/**
 * The gRPC API's port. It speaks gRPC from the first day, so that a client gets
 * an answer and not a hang; no method is served yet. node:http2 is loaded with
 * the first connection only.
 */
import { createServer, type Server } from "node:net";
import type { ServerHttp2Stream } from "node:http2";
import type { Logger } from "../../log.ts";
import { bind } from "../bind.ts";

const unimplemented = 12;
const message =
  "the gRPC API is not available in this version of the sidecar; use the HTTP API";

/** Listens on every address. Rejects when a port is taken. */
export async function listenGrpc(
  addresses: readonly string[],
  port: number,
  log: Logger,
): Promise<{ port: number; close(): Promise<void> }> {
  const servers: Server[] = [];
  const close = async () => {
    await Promise.all(
      servers.map(
        (server) => new Promise<void>((done) => server.close(() => done())),
      ),
    );
  };
  const sockets = new Set<{ destroy(): void }>();
  for (const host of addresses) {
    const server = createServer(async (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      (await http2()).emit("connection", socket);
    });
    try {
      await bind(server, port, host, log);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // As the HTTP API: an address that isn't there is left out, a taken one is not.
      if (servers.length > 0 && code !== "EADDRINUSE") {
        log.warn(`an address is not served for gRPC: ${message}`);
        continue;
      }
      await close();
      throw new Error(
        `could not listen on port ${port} for gRPC: ${message}; is another sidecar running there? give another port`,
        { cause: error },
      );
    }
    servers.push(server);
  }
  const address = servers[0]!.address();
  return {
    port: typeof address === "object" && address ? address.port : port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await close();
    },
  };
}

let shared:
  Promise<{ emit(event: "connection", socket: unknown): boolean }> | undefined;

function http2() {
  shared ??= import("node:http2").then(({ createServer: createHttp2 }) => {
    const server = createHttp2();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => stream.destroy());
      if (stream.destroyed || stream.closed) return; // reset already
      stream.respond(
        {
          ":status": 200,
          "content-type": "application/grpc",
          "grpc-status": String(unimplemented),
          "grpc-message": encodeURIComponent(message).replaceAll("%20", " "),
        },
        { endStream: true },
      );
    });
    return server;
  });
  return shared;
}
