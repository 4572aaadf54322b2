/**
 * HTTP/2 without TLS on the port of HTTP/1.1 (spec api §0), for clients that
 * know beforehand (`curl --http2-prior-knowledge`). Node's HTTP/1.1 parser
 * stops at their preface; the connection then goes on here, with the bytes it
 * began with. node:http2 is loaded with the first of them.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Http2ServerRequest,
  Http2ServerResponse,
  Http2Session,
} from "node:http2";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Remote } from "../../net/own-sockets.ts";

/** As the HTTP/1.1 server calls it; the far end is told apart from the stream that carries it. */
export type Handle = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  remote: Remote,
) => void;

export interface H2c {
  /** Takes over a connection whose first bytes are the preface. */
  serve(socket: Socket, firstBytes: Buffer): void;
  /** Finishes the streams under way, then ends each connection. */
  close(): void;
}

const lingerMs = 1000;
const nobody: Remote = { remoteAddress: undefined, remotePort: undefined };
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Whether the HTTP/1.1 parser stopped at the preface of HTTP/2. */
export const isPreface = (
  error: NodeJS.ErrnoException & { rawPacket?: Buffer },
): boolean =>
  error.code === "HPE_PAUSED_H2_UPGRADE" &&
  error.rawPacket?.toString("latin1", 0, preface.length) === preface;

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
    h2.on("sessionError", () => {}); // its connection ends, which tells enough
    h2.on("request", (incoming, outgoing) => {
      const socket = sessions.get(incoming.stream.session!) ?? nobody;
      nameHost(incoming);
      // One stream of many: what its client still sends after the answer is not awaited.
      outgoing.stream.once("finish", () => {
        if (!incoming.readableEnded) incoming.stream.close();
      });
      handle(...asHttp1(incoming, outgoing), socket);
    });
    return h2;
  });
  return {
    serve(socket, firstBytes) {
      const stream = detach(socket, firstBytes);
      void server.then((h2) => {
        h2.once("session", (session) => {
          sessions.set(session, socket);
          session.once("close", () => {
            sessions.delete(session);
            socket.destroySoon();
          });
          if (closing) session.close();
        });
        h2.emit("connection", stream);
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

/** The host is checked by its HTTP/1.1 name; two that differ are none of ours. */
function nameHost({ headers }: Http2ServerRequest) {
  const names = [headers[":authority"], headers.host].filter(Boolean);
  headers.host = [...new Set(names)].join(", ");
}

/** node:http2's compatibility API, as far as server.ts uses it. */
const asHttp1 = (incoming: Http2ServerRequest, outgoing: Http2ServerResponse) =>
  [incoming, outgoing] as unknown as [IncomingMessage, ServerResponse];

/** Frees a connection from the HTTP/1.1 server, its time limit for headers included. */
function detach(socket: Socket, firstBytes: Buffer): Duplex {
  (socket as { parser?: { remove(): void } }).parser?.remove();
  for (const event of ["data", "end", "close", "drain", "timeout", "error"])
    socket.removeAllListeners(event);
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  stream.push(firstBytes);
  socket.on("data", (chunk) => {
    if (!stream.push(chunk)) socket.pause();
  });
  socket.on("end", () => stream.push(null));
  socket.on("error", (error) => stream.destroy(error));
  socket.on("close", () => stream.destroy());
  return stream;
}
