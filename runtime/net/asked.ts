/** Which connections of HTTP/1.1 servers carry a request that is not answered yet. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface Asked {
  /** Watches a server's connections. Called before it listens. */
  watch(server: Server): void;
  /** The connection is another's to serve. */
  forget(socket: Socket): void;
  /** Whether there are any connections. */
  isEmpty(): boolean;
  /** Ends those without a request: none came, half a head did, or every answer is written. */
  endUnasked(): void;
}

export function watchAsked(): Asked {
  const sockets = new Set<Socket>();
  const last = new WeakMap<Socket, ServerResponse>();
  return {
    watch(server) {
      server.on("connection", (socket: Socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
      });
      server.on(
        "request",
        ({ socket }: IncomingMessage, outgoing: ServerResponse) =>
          void last.set(socket, outgoing),
      );
    },
    forget: (socket) => void sockets.delete(socket),
    isEmpty: () => sockets.size === 0,
    endUnasked() {
      for (const socket of sockets)
        if (last.get(socket)?.writableFinished ?? true) socket.destroySoon();
    },
  };
}
