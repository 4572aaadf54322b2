/** A gRPC server without TLS, for connections that somebody else accepted. */
import {
  constants,
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { keepAlive, refusePings } from "./keep-alive.ts";
import { isGrpc } from "./messages.ts";
import { ServerCall, type CallSetting } from "./server-call.ts";
import { connectionWindowBytes, sessionOptions } from "./session.ts";
import { GrpcError, grpcCode } from "./status.ts";

export interface GrpcServerOptions {
  /** Of a message, either way; 0 or less is no limit. */
  maxMessageBytes: number;
  /** By path, `/package.Service/Method`. */
  methods: ReadonlyMap<string, ServeCall>;
  /** Gets the calls of all other paths; without it they are UNIMPLEMENTED. */
  onUnknown?: ServeCall;
  /** Messages may be compressed with gzip; who sends such is answered so. */
  gzip?: boolean;
  /** Calls of one connection at a time; no limit by default. */
  maxCalls?: number;
  /** A caller that pings too often is sent away. */
  refusesPings?: boolean;
}

export type ServeCall = (call: ServerCall) => void;

export interface GrpcServer {
  /** Takes over a connection of which nothing is read yet, or what is read was put back. */
  serve(socket: Duplex): void;
  /** Takes no more calls, lets those under way end, then closes every connection. */
  close(): Promise<void>;
}

/** For the beginning of HTTP/2: its preface and the caller's settings (RFC 9113 §3.4). */
const prefaceMs = 10_000;
/** For the other side's goodbye. */
const goodbyeMs = 500;

export function createGrpcServer({
  maxMessageBytes,
  methods,
  onUnknown = refuseUnknown,
  gzip = false,
  maxCalls,
  refusesPings = false,
}: GrpcServerOptions): GrpcServer {
  const settings = {
    ...sessionOptions.settings,
    ...(maxCalls !== undefined && { maxConcurrentStreams: maxCalls }),
  };
  /** Each with what ends it once it has no call. */
  const sessions = new Map<ServerHttp2Session, () => void>();
  const endless = new Set<ServerCall>();
  let onIdle: (() => void) | undefined;

  function serve(socket: Duplex) {
    const session = performServerHandshake(socket, {
      ...sessionOptions,
      settings,
    });
    const onSent = refusesPings ? refusePings(session) : () => {};
    const setting: CallSetting = {
      maxMessageBytes,
      gzip,
      onSent,
      endless,
    };
    let calls = 0;
    let isSilent = true;
    sessions.set(session, () => {
      if (isSilent) session.destroy();
      else session.close();
      if (calls > 0 || session.destroyed) return;
      // Node waits for the other side to close its own.
      setTimeout(() => session.destroy(), goodbyeMs).unref();
    });
    session.setLocalWindowSize(connectionWindowBytes);
    keepAlive(session, socket, () => calls > 0);
    const silent = setTimeout(() => session.destroy(), prefaceMs).unref();
    session.once("remoteSettings", () => {
      isSilent = false;
      clearTimeout(silent);
    });
    // A broken connection tells its calls.
    session.on("error", () => session.destroy());
    session.on("close", () => {
      clearTimeout(silent);
      sessions.delete(session);
      if (sessions.size === 0) onIdle?.();
    });
    session.on("stream", (stream, headers, _flags, raw) => {
      calls++;
      stream.on("close", () => {
        if (--calls === 0 && onIdle) sessions.get(session)?.();
      });
      answer(stream, headers, raw, setting);
    });
    if (onIdle) sessions.get(session)?.();
  }

  function answer(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    raw: readonly string[],
    setting: CallSetting,
  ) {
    stream.on("error", () => {}); // its close tells more
    if (stream.destroyed || stream.closed) return; // reset already
    if (isWrong(stream, headers)) return;
    const call = new ServerCall(stream, headers, raw, setting);
    (methods.get(call.path) ?? onUnknown)(call);
  }

  return {
    serve,
    close: () =>
      new Promise((resolve) => {
        onIdle = resolve;
        if (sessions.size === 0) resolve();
        for (const call of endless) call.fail(ending());
        for (const end of sessions.values()) end();
      }),
  };
}

const ending = () =>
  new GrpcError(grpcCode.unavailable, "the server is ending");

function refuseUnknown(call: ServerCall) {
  call.fail(
    new GrpcError(
      grpcCode.unimplemented,
      `there is no method ${call.path.slice(0, 200)}`,
    ),
  );
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
