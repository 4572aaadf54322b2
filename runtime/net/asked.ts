/** Which connections of HTTP/1.1 servers carry a request that is not answered yet. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { startTimer } from "../shared/timers.ts";

export interface Asked {
  /** Watches a server's connections. Called before it listens. */
  watch(server: Server): void;
  /** The connection is another's to serve, and to end. */
  setAside(socket: Socket): void;
  /** Whether there are no connections, those set aside included. */
  isEmpty(): boolean;
  /**
   * Ends those without a request: none came, half a head did, or every answer is written. From now on also
   * those whose caller falls silent in the middle of a body: nobody knows when the rest would come.
   */
  endUnasked(): void;
  /**
   * The same, with an answer to the request that may be on its way. Such a
   * connection is read until its caller closes it, as a reset would take the answer with it. Resolves once they are closed.
   */
  answerUnasked(answer: Uint8Array): Promise<void>;
  /** Whether the connection was ended with an answer: a request that came after it is not to be looked at. */
  isAnswered(socket: Socket): boolean;
}

/** A caller that does not close a connection may not hold up the end. */
const lingerMs = 1000;
/** Long enough for a packet that was lost and sent again. */
const mostSilenceMs = 1000;

/** `onEmpty` is called whenever the last connection has ended. */
export function watchAsked(
  onEmpty?: () => void,
  silenceMs = mostSilenceMs,
): Asked {
  const sockets = new Set<Socket>();
  const aside = new WeakSet<Socket>();
  const answered = new WeakSet<Socket>();
  const last = new WeakMap<Socket, ServerResponse>();
  let isEnding = false;
  const unasked = () =>
    [...sockets].filter(
      (socket) =>
        !aside.has(socket) && (last.get(socket)?.writableFinished ?? true),
    );
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
      for (const socket of unasked()) socket.destroySoon();
      endSilent();
    },
    async answerUnasked(answer) {
      endSilent();
      await Promise.all(
        unasked().map((socket) => {
          answered.add(socket);
          socket.end(answer);
          const timer = startTimer(() => socket.destroy(), lingerMs);
          return new Promise<void>((resolve) =>
            // Half a head is an error of the socket's when it ends; that is no error of ours.
            socket.once("close", () => {
              clearTimeout(timer);
              resolve();
            }),
          );
        }),
      );
    },
    isAnswered: (socket) => answered.has(socket),
  };

  function endSilent() {
    if (isEnding) return;
    isEnding = true;
    const known = new WeakMap<Socket, number>();
    const look = () => {
      if (sockets.size === 0) clearInterval(timer);
      for (const socket of sockets) {
        const request = last.get(socket)?.req;
        if (!request || !isHalf(request)) known.delete(socket);
        else if (known.get(socket) === socket.bytesRead) socket.destroy();
        else known.set(socket, socket.bytesRead);
      }
    };
    const timer = setInterval(look, Math.min(silenceMs, mostSilenceMs)).unref();
    look();
  }
}

/** More of its body is to come, and its reader has taken what there is. */
const isHalf = (request: IncomingMessage) =>
  !request.complete && request.readableLength === 0;
