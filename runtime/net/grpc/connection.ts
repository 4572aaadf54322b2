/** One HTTP/2 connection of a client, from its connecting on. */
import {
  connect as connectHttp2,
  constants,
  type ClientHttp2Session,
} from "node:http2";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { messageOf } from "../../shared/message-of.ts";
import { keepAlive } from "../http2/keep-alive.ts";
import { outliveGoaway } from "../http2/outlive-goaway.ts";
import { allowed, createResetBudget } from "../http2/reset-budget.ts";
import {
  answerMetadataBytes,
  connectionWindowBytes,
  sessionOptions,
} from "./session.ts";
import { GrpcError, grpcCode } from "./status.ts";

export interface Target {
  host: string;
  port: number;
  /** PEM of the authorities that the server's certificate must come from, or `anybody`; without it there is no TLS. */
  trustAnchors?: string;
  /** False for servers that take pings for an attack: those of gRPC's own libraries do, unless they come 5 minutes apart. */
  pings?: boolean;
}

/** Instead of authorities: TLS with whoever has the port. */
export const anybody = "anybody";

export interface Connection {
  readonly session: ClientHttp2Session;
  /** A call begins. Its end has to be told. */
  begin(): void;
  end(): void;
  /** A call is called off. */
  readonly countReset: () => void;
  /** It takes another call. */
  readonly hasRoom: boolean;
  /** Why it ended; undefined as long as it is there. */
  readonly lost: Error | undefined;
  /** The other side will not look at a stream of this number: its GOAWAY says so (RFC 9113 §6.8). */
  isBeyond(streamId: number | undefined): boolean;
}

/** Names and values of an answer's head or trailers; their bytes are limited too. */
export const maxAnswerPairs = 4096;
/** The name, TCP, TLS and the other side's settings, a packet that is sent again included. */
const connectMs = 3000;

/**
 * Resolves once a call can be made. `onRoom` is called when one has ended. Rejects with a {@link GrpcError} of the
 * origin `unreachable`, the cause of which is Node's own error.
 */
export function openConnection(
  target: Target,
  onRoom: () => void,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const { host, port } = target;
    let isReady = false;
    let lost: Error | undefined;
    let lastStream = Infinity;
    const socket = openSocket(target);
    const scheme = target.trustAnchors === undefined ? "http" : "https";
    const authority = `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const session = connectHttp2(authority, {
      createConnection: () => socket,
      ...sessionOptions,
      maxHeaderListPairs: maxAnswerPairs,
      settings: {
        ...sessionOptions.settings,
        maxHeaderListSize: answerMetadataBytes,
      },
    });
    const fail = (error: Error) => {
      lost ??= error;
      clearTimeout(timer);
      session.destroy();
      socket.destroy();
      if (!isReady) reject(unreachable(lost));
    };
    const timer = setTimeout(
      () => fail(new Error(`no connection within ${connectMs / 1000} s`)),
      connectMs,
    );
    let calls = 0;
    const connection: Connection = {
      session,
      begin: () => void calls++,
      end() {
        calls--;
        onRoom();
      },
      countReset: createResetBudget(session),
      get hasRoom() {
        return (
          !session.closed &&
          !session.destroyed &&
          lost === undefined &&
          calls < allowed(session)
        );
      },
      get lost() {
        return lost;
      },
      isBeyond: (id) => id === undefined || id > lastStream,
    };
    // Node puts its own codes and words around an error of the socket, which says more.
    socket.on("error", fail);
    session.on("error", fail);
    outliveGoaway(session);
    let why = "the connection was closed";
    session.on("goaway", (code: number, last: number) => {
      lastStream = last;
      if (code !== constants.NGHTTP2_NO_ERROR)
        why = `the other side ended the connection with the HTTP/2 error ${code}`;
    });
    session.on("close", () => fail(new Error(why)));
    // A client's first requests may come before the settings do, but then it does not know how many.
    session.on("remoteSettings", () => {
      if (isReady || allowed(session) === 0) return;
      isReady = true;
      clearTimeout(timer);
      session.setLocalWindowSize(connectionWindowBytes);
      keepAlive(session, socket, () => calls > 0, {
        pings: target.pings ?? true,
      });
      resolve(connection);
    });
  });
}

function openSocket({ host, port, trustAnchors }: Target): Socket {
  if (trustAnchors === undefined)
    return connectTcp({ host, port, noDelay: true });
  const socket = process.getBuiltinModule("node:tls").connect({
    host,
    port,
    ...(trustAnchors === anybody
      ? { rejectUnauthorized: false }
      : { ca: trustAnchors }),
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
    // An address is no server name (RFC 6066 §3).
    ...(isIP(host) ? {} : { servername: host }),
  });
  socket.setNoDelay(true);
  socket.once("secureConnect", () => {
    if (socket.alpnProtocol !== "h2")
      socket.destroy(new Error("the server does not speak HTTP/2"));
  });
  return socket;
}

const unreachable = (cause: Error) =>
  new GrpcError(grpcCode.unavailable, messageOf(cause), {
    cause,
    origin: "unreachable",
  });
