/**
 * The gRPC API's port. It speaks gRPC from the first day, so that a client gets
 * an answer and not a hang; no method is served yet. node:http2 is loaded with
 * the first connection only.
 */
import { createServer } from "node:net";
import type { ServerHttp2Stream } from "node:http2";
import type { Logger } from "../../shared/log.ts";
import { closeServer, listenOn, type ListenError } from "../../net/listen.ts";

const unimplemented = 12;
const message =
  "the gRPC API is not available in this version of the sidecar; use the HTTP API";

export interface GrpcServerOptions {
  /** A taken address is an error instead of being skipped: another sidecar has it. */
  refuseTaken: boolean;
  log: Logger;
  /** Ends the wait for a taken port. */
  signal?: AbortSignal;
}

/**
 * Listens on every address. One that can't be used is logged and skipped; if
 * none can, that is an error.
 */
export async function listenGrpc(
  addresses: readonly string[],
  port: number,
  { refuseTaken, log, signal }: GrpcServerOptions,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<{ destroy(): void }>();
  const { servers, failures, ...listening } = await listenOn({
    addresses,
    port,
    make: () =>
      createServer(async (socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        socket.on("error", () => socket.destroy());
        (await http2()).emit("connection", socket);
      }),
    isFatal: ({ code }) => refuseTaken && code === "EADDRINUSE",
    wait: { log, signal },
  }).catch((error: ListenError) => {
    throw new Error(
      `could not listen on port ${port} for gRPC: ${error.message}; is another sidecar running there? give another port`,
      { cause: error },
    );
  });
  for (const failure of failures)
    log.warn(`an address is not served for gRPC: ${failure}`);
  return {
    port: listening.port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map(closeServer));
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
