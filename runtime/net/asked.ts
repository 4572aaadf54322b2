/** Which connections of HTTP/1.1 servers carry a request that is not answered yet. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface Asked {
  /** Watches a server's connections. Called before it listens. */
  watch(server: Server): void;
  /** The connection is another's to serve, and to end. */
  setAside(socket: Socket): void;
  /** Whether there are no connections, those set aside included. */
  isEmpty(): boolean;
  /** Ends those without a request: none came, half a head did, or every answer is written. */
  endUnasked(): void;
}

/** `onEmpty` is called whenever the last connection has ended. */
export function watchAsked(onEmpty?: () => void): Asked {
  const sockets = new Set<Socket>();
  const aside = new WeakSet<Socket>();
  const last = new WeakMap<Socket, ServerResponse>();
  return {
    watch(server) {
      server.on("connection", (socket: Socket) => {
        sockets.add(socket);
        socket.once("close", () => {
          sockets.delete(socket);
          if (sockets.size === 0) onEmpty?.();
        });
      });
      server.on(
        "request",
        ({ socket }: IncomingMessage, outgoing: ServerResponse) =>
          void last.set(socket, outgoing),
      );
    },
    setAside: (socket) => void aside.add(socket),
    isEmpty: () => sockets.size === 0,
    endUnasked() {
      for (const socket of sockets)
        if (!aside.has(socket) && (last.get(socket)?.writableFinished ?? true))
          socket.destroySoon();
    },
  };
}
