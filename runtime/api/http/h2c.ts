/**
 * HTTP/2 without TLS on the port of HTTP/1.1, for clients that know beforehand
 * (`curl --http2-prior-knowledge`). node:http2 is loaded with the first of them.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Http2ServerRequest,
  Http2ServerResponse,
  Http2Session,
} from "node:http2";
import type { Socket } from "node:net";
import type { Remote } from "../../net/own-sockets.ts";

/** As the HTTP/1.1 server calls it; the caller's socket comes beside the stream that carries the request. */
export type Handle = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  remote: Remote,
) => void;

export interface H2c {
  /** Takes over a connection that begins as HTTP/2 does. */
  serve(socket: Socket): void;
  /** Finishes the streams under way, then ends each connection. */
  close(): void;
}

const lingerMs = 1000;
const nobody: Remote = { remoteAddress: undefined, remotePort: undefined };

export function createH2c(handle: Handle, maxHeaderBytes: number): H2c {
  const sessions = new Map<Http2Session, Socket>();
  let closing = false;
  const server = import("node:http2").then(({ createServer }) => {
    const h2 = createServer({
      settings: {
        maxHeaderListSize: maxHeaderBytes,
        maxConcurrentStreams: 256,
      },
    });
    h2.on("sessionError", () => {}); // its connection ends too, which is handled
    h2.on("request", (incoming, outgoing) => {
      const socket = sessions.get(incoming.stream.session!) ?? nobody;
      nameHost(incoming);
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
      for (const [session, socket] of sessions) {
        session.close();
        // A client that goes on sending into an answered stream is not waited for.
        setTimeout(() => socket.destroy(), lingerMs).unref();
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
