/** A gRPC server without TLS, for connections that somebody else accepted. */
import {
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from "node:http2";
import type { Duplex } from "node:stream";
import { keepAlive, refusePings } from "../http2/keep-alive.ts";
import { outliveGoaway } from "../http2/outlive-goaway.ts";
import { serverLimits } from "../session-limits.ts";
import { cutStuck, type StuckTimes } from "./cut-stuck.ts";
import { leaveRest } from "./leave-rest.ts";
import { refusalOf, type Refusal } from "./refusal.ts";
import { ServerCall, type CallSetting } from "./server-call.ts";
import { connectionWindowBytes, sessionOptions } from "./session.ts";
import { encodeText, GrpcError, grpcCode } from "./status.ts";

export interface GrpcServerOptions {
  /** Of a message, either way; 0 or less is no limit. */
  maxMessageBytes: number;
  /** By path, `/package.Service/Method`. */
  methods: ReadonlyMap<string, ServeCall>;
  /** Gets the calls of all other paths; without it they are UNIMPLEMENTED. */
  onUnknown?: ServeCall;
  /** Messages may be compressed with gzip; who sends such is answered so. */
  gzip?: boolean;
  /** Of the metadata of a call, as RFC 9113 §6.5.2 counts it: callers are told; 64 KiB by default. */
  maxMetadataBytes?: number;
  /** Calls of one connection at a time; no limit by default. */
  maxCalls?: number;
  /** When answers that are not taken are cut. */
  stuck?: Partial<StuckTimes>;
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
/** Of the metadata of a call. */
const usualMetadataBytes = 64 * 1024;
/** How many names its metadata may have. */
const maxPairs = 128;
/** gRPC's and HTTP/2's own headers, which come with the metadata. */
const ownPairs = 16;

export function createGrpcServer({
  maxMessageBytes,
  methods,
  onUnknown = refuseUnknown,
  gzip = false,
  maxMetadataBytes = usualMetadataBytes,
  maxCalls,
  stuck,
  refusesPings = false,
}: GrpcServerOptions): GrpcServer {
  const settings = {
    ...sessionOptions.settings,
    maxHeaderListSize: maxMetadataBytes,
    ...(maxCalls !== undefined && { maxConcurrentStreams: maxCalls }),
  };
  /** Each with what ends it once it has no call. */
  const sessions = new Map<ServerHttp2Session, () => void>();
  const endless = new Set<ServerCall>();
  let onIdle: (() => void) | undefined;

  function serve(socket: Duplex) {
    const session = performServerHandshake(socket, {
      ...sessionOptions,
      ...serverLimits,
      settings,
      maxHeaderListPairs: maxPairs + ownPairs,
    });
    const onSent = refusesPings ? refusePings(session) : () => {};
    const setting: CallSetting = {
      maxMessageBytes,
      gzip,
      onSent,
      endless,
    };
    const streams = new Set<ServerHttp2Stream>();
    let isSilent = true;
    sessions.set(session, () => {
      if (isSilent) session.destroy();
      else session.close();
      if (streams.size > 0 || session.destroyed) return;
      // Node waits for the other side to close its own.
      setTimeout(() => session.destroy(), goodbyeMs).unref();
    });
    session.setLocalWindowSize(connectionWindowBytes);
    outliveGoaway(session);
    keepAlive(session, socket, () => streams.size > 0);
    cutStuck(session, streams, stuck);
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
      streams.add(stream);
      stream.on("close", () => {
        streams.delete(stream);
        if (streams.size === 0 && onIdle) sessions.get(session)?.();
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
    const refusal = refusalOf(headers, raw);
    if (refusal) return refuse(stream, refusal);
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

/** The status comes twice: callers that know nothing of gRPC understand that of HTTP. */
function refuse(
  stream: ServerHttp2Stream,
  { httpStatus, code, text }: Refusal,
) {
  stream.respond(
    {
      ":status": httpStatus,
      "content-type": "application/grpc",
      "grpc-status": String(code),
      "grpc-message": encodeText(text),
    },
    { endStream: true, sendDate: false } as ServerStreamResponseOptions,
  );
  leaveRest(stream);
}
