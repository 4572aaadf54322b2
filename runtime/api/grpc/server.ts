/**
 * The gRPC API's port. It speaks gRPC from the first day, so that a client gets
 * an answer and not a hang; no method is served yet. node:http2 is loaded with
 * the first connection only.
 */
import { createServer, type Server } from "node:net";
import type { ServerHttp2Stream } from "node:http2";
import type { Logger } from "../../shared/log.ts";
import { bind } from "../../net/bind.ts";

const unimplemented = 12;
const message =
  "the gRPC API is not available in this version of the sidecar; use the HTTP API";

export interface GrpcServerOptions {
  /** A taken address is an error, as another sidecar has it, and is not just skipped. */
  refuseTaken: boolean;
  log: Logger;
  /** Ends the wait for a taken port. */
  signal?: AbortSignal;
}

/**
 * Listens on every address; one that can't be used is logged and skipped, none
 * at all is an error.
 */
export async function listenGrpc(
  addresses: readonly string[],
  port: number,
  { refuseTaken, log, signal }: GrpcServerOptions,
): Promise<{ port: number; close(): Promise<void> }> {
  const servers: Server[] = [];
  const failures: string[] = [];
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
      await bind(server, port, host, log, signal);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      failures.push(message);
      if (!refuseTaken || code !== "EADDRINUSE") continue;
      await close();
      throw failed(port, failures, error);
    }
    servers.push(server);
  }
  if (servers.length === 0) throw failed(port, failures);
  for (const failure of failures)
    log.warn(`an address is not served for gRPC: ${failure}`);
  const address = servers[0]!.address();
  return {
    port: typeof address === "object" && address ? address.port : port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await close();
    },
  };
}

const failed = (port: number, failures: string[], cause?: unknown) =>
  new Error(
    `could not listen on port ${port} for gRPC: ${failures.join("; ")}; is another sidecar running there? give another port`,
    { cause },
  );

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
