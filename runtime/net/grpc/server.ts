/** A gRPC server without TLS, for connections that somebody else accepted. */
import {
  constants,
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { keepAlive } from "./keep-alive.ts";
import { isGrpc } from "./messages.ts";
import { ServerCall } from "./server-call.ts";
import { connectionWindowBytes, sessionOptions } from "./session.ts";
import { GrpcError, grpcCode } from "./status.ts";

export interface GrpcServerOptions {
  /** Of a message, either way; 0 or less is no limit. */
  maxMessageBytes: number;
  /** By path, `/package.Service/Method`. */
  methods: ReadonlyMap<string, (call: ServerCall) => void>;
}

export interface GrpcServer {
  /** Takes over a connection of which nothing is read yet, or what is read was put back. */
  serve(socket: Duplex): void;
  /** Takes no more calls, lets those under way end, then closes every connection. */
  close(): Promise<void>;
}

/** For the beginning of HTTP/2: its preface and the caller's settings (RFC 9113 §3.4). */
const prefaceMs = 10_000;

export function createGrpcServer({
  maxMessageBytes,
  methods,
}: GrpcServerOptions): GrpcServer {
  const sessions = new Set<ServerHttp2Session>();
  let onIdle: (() => void) | undefined;

  function serve(socket: Duplex) {
    const session = performServerHandshake(socket, sessionOptions);
    let calls = 0;
    sessions.add(session);
    session.setLocalWindowSize(connectionWindowBytes);
    keepAlive(session, socket, () => calls > 0);
    const silent = setTimeout(() => session.destroy(), prefaceMs).unref();
    session.once("remoteSettings", () => clearTimeout(silent));
    // A broken connection tells its calls.
    session.on("error", () => session.destroy());
    session.on("close", () => {
      clearTimeout(silent);
      sessions.delete(session);
      if (sessions.size === 0) onIdle?.();
    });
    session.on("stream", (stream, headers) => {
      calls++;
      stream.on("close", () => calls--);
      answer(stream, headers);
    });
    if (onIdle) session.close();
  }

  function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    stream.on("error", () => {}); // its close tells more
    if (stream.destroyed || stream.closed) return; // reset already
    if (isWrong(stream, headers)) return;
    const call = new ServerCall(stream, headers, maxMessageBytes);
    const method = methods.get(call.path);
    if (method) method(call);
    else
      call.fail(
        new GrpcError(
          grpcCode.unimplemented,
          `there is no method ${call.path.slice(0, 200)}`,
        ),
      );
  }

  return {
    serve,
    close: () =>
      new Promise((resolve) => {
        onIdle = resolve;
        if (sessions.size === 0) resolve();
        for (const session of sessions) session.close();
      }),
  };
}

/** What is no gRPC gets an answer of HTTP (PROTOCOL-HTTP2.md, "Requests"). */
function isWrong(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): boolean {
  const status =
    headers[":method"] !== "POST"
      ? constants.HTTP_STATUS_METHOD_NOT_ALLOWED
      : isGrpc(headers["content-type"] ?? "")
        ? undefined
        : constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE;
  if (status === undefined) return false;
  stream.respond({ ":status": status }, { endStream: true });
  stream.resume();
  return true;
}
