/**
 * HTTP/2 without TLS on the port of HTTP/1.1, for clients that know beforehand
 * (`curl --http2-prior-knowledge`). node:http2 is loaded with the first of them.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Http2ServerRequest,
  Http2ServerResponse,
  Http2Session,
  Http2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import type { Remote } from "../../net/own-sockets.ts";
import { keepAlive } from "../../net/http2/keep-alive.ts";
import { outliveGoaway } from "../../net/http2/outlive-goaway.ts";
import { serverLimits } from "../../net/session-limits.ts";
import { startTimer } from "../../shared/timers.ts";

/** As the HTTP/1.1 server calls it; the caller's socket comes beside the stream that carries the request. */
export type Handle = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  remote: Remote,
) => void;

export interface H2c {
  /** Takes over a connection that begins as HTTP/2 does. */
  serve(socket: Socket): void;
  /** Finishes the requests under way, however long they take, then ends each connection. */
  close(): void;
}

/** For a client to close its end. */
const usualLingerMs = 1000;
const nobody: Remote = { remoteAddress: undefined, remotePort: undefined };

export function createH2c(
  handle: Handle,
  maxHeaderBytes: number,
  lingerMs = usualLingerMs,
): H2c {
  const sessions = new Map<Http2Session, Socket>();
  /** Requests that have no whole answer yet. */
  const asked = new WeakMap<Http2Session, number>();
  let closing = false;
  const count = (session: Http2Session, change: number) => {
    const left = (asked.get(session) ?? 0) + change;
    asked.set(session, left);
    if (closing && left === 0) endSoon(session);
  };
  /** A client that goes on sending into answered streams is not waited for. */
  const endSoon = (session: Http2Session) => {
    const socket = sessions.get(session);
    startTimer(() => socket?.destroy(), lingerMs).unref();
  };
  const server = import("node:http2").then(({ createServer }) => {
    const h2 = createServer({
      ...serverLimits,
      settings: {
        maxHeaderListSize: maxHeaderBytes,
        maxConcurrentStreams: 256,
      },
    });
    h2.on("sessionError", () => {}); // its connection ends too, which is handled
    h2.on("request", (incoming, outgoing) => {
      const { session } = incoming.stream;
      // What its connection has ended meanwhile nobody waits for.
      if (!session) return;
      const socket = sessions.get(session) ?? nobody;
      nameHost(incoming);
      count(session, 1);
      const answered = () => {
        outgoing.stream.off("close", answered).off("finish", answered);
        count(session, -1);
      };
      outgoing.stream.on("close", answered).on("finish", answered);
      // It is one stream of many: what its client still sends after the answer is not awaited.
      outgoing.stream.once("finish", () => {
        if (!incoming.readableEnded) incoming.stream.close();
      });
      handle(...asHttp1(incoming, outgoing), socket);
    });
    return h2;
  });
  return {
    serve(socket) {
      void server.then((h2) => {
        h2.once("session", (session) => {
          sessions.set(session, socket);
          outliveGoaway(session);
          let streams = 0;
          session.on("stream", (stream: Http2Stream) => {
            streams++;
            stream.once("close", () => streams--);
          });
          keepAlive(session, socket, () => streams > 0);
          session.once("close", () => {
            sessions.delete(session);
            socket.destroySoon();
          });
          if (closing) session.close();
        });
        h2.emit("connection", socket);
      });
    },
    close() {
      closing = true;
      for (const session of sessions.keys()) {
        session.close();
        if (!asked.get(session)) endSoon(session);
      }
    },
  };
}

/** The host is checked under its HTTP/1.1 name. If `:authority` and `Host` differ, neither is taken. */
function nameHost({ headers }: Http2ServerRequest) {
  const names = [headers[":authority"], headers.host].filter(Boolean);
  headers.host = [...new Set(names)].join(", ");
}

/** node:http2's compatibility API, as far as server.ts uses it. */
const asHttp1 = (incoming: Http2ServerRequest, outgoing: Http2ServerResponse) =>
  [incoming, outgoing] as unknown as [IncomingMessage, ServerResponse];
