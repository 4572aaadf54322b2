/** The gRPC API's port. What serves it is loaded with the first connection: who uses HTTP alone does not pay for it. */
import { createServer, type Socket } from "node:net";
import type { GrpcServer } from "../../net/grpc/server.ts";
import { closeServer, listenOn, type ListenError } from "../../net/listen.ts";
import type { Logger } from "../../shared/log.ts";

export interface GrpcApiOptions {
  /** Called with the first connection. */
  openDoor(): Promise<GrpcServer>;
  /** A taken address is an error instead of being skipped: another sidecar has it. */
  refuseTaken: boolean;
  /** A socket in the file system instead of addresses and port. */
  file?: string;
  log: Logger;
  /** Ends the wait for a taken port. */
  signal?: AbortSignal;
}

export interface GrpcApi {
  port: number;
  /** Takes no more calls, lets those under way end. */
  close(): Promise<void>;
}

/**
 * Listens on every address. One that can't be used is logged and skipped; if
 * none can, that is an error.
 */
export async function listenGrpc(
  addresses: readonly string[],
  port: number,
  options: GrpcApiOptions,
): Promise<GrpcApi> {
  const { refuseTaken, file, log, signal } = options;
  let loading: Promise<GrpcServer> | undefined;
  const door = () => (loading ??= options.openDoor());
  const serve = (socket: Socket) => {
    socket.on("error", () => socket.destroy());
    door().then(
      (to) => {
        if (!socket.destroyed) to.serve(socket);
      },
      (error: Error) => {
        log.error(`the gRPC API could not be loaded: ${error.stack}`);
        socket.destroy();
      },
    );
  };
  const { servers, failures, ...listening } = await listenOn({
    addresses,
    port,
    file,
    make: () => createServer({ noDelay: true }, serve),
    isFatal: ({ code }) => refuseTaken && code === "EADDRINUSE",
    wait: { log, signal },
  }).catch((error: ListenError) => {
    throw new Error(
      file === undefined
        ? `could not listen on port ${port} for gRPC: ${error.message}; is another sidecar running there? give another port`
        : `could not listen on ${file} for gRPC: ${error.message}`,
      { cause: error },
    );
  });
  for (const failure of failures)
    log.warn(`an address is not served for gRPC: ${failure}`);
  return {
    port: listening.port,
    async close() {
      const closed = Promise.all(servers.map(closeServer));
      await (await loading)?.close();
      await closed;
    },
  };
}
