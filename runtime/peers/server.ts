/**
 * The port for other sidecars. Those of this kind call over HTTP/1.1
 * (protocol.ts), the original's by gRPC (docs/protocol/sidecars.md). The first bytes of a
 * connection tell which. gRPC is loaded with the first connection that needs it.
 */
import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import type { Forward } from "../contracts/invocation.ts";
import { listenOn, type Listening, type PortOptions } from "./port.ts";
import type { GrpcServer } from "./grpc/server.ts";
import { directHandler } from "./direct/server.ts";
import { directVersion } from "./direct/protocol.ts";

export interface PeerServerOptions extends PortOptions {
  receive: Forward;
  /** The limit of a message over gRPC; 0 or less is none. */
  maxBodyBytes: number;
}

export interface PeerServer extends Listening {
  /** The version of the direct protocol, for its registration. */
  direct: string;
  /** From now on calls are refused as calls that the app never saw. */
  leave(): void;
  /** Leaves, waits for calls under way, then resolves. */
  close(): Promise<void>;
}

/** The time for the first bytes, and for the rest of a head. */
const headTimeoutMs = 10_000;
const timeoutCheckMs = 1000;
const maxHeaderBytes = 64 * 1024;
/**
 * After leaving, connections stay open for so long: a call on its way gets an
 * answer, and its caller then closes the other connections. When a connection
 * just closes, the caller can't know whether its call was read.
 */
const leavingMs = 500;
/** Longer than a sidecar keeps an idle connection itself. */
const keepAliveMs = 75_000;

export async function listenPeers(
  options: PeerServerOptions,
): Promise<PeerServer> {
  const servers: Server[] = [];
  const silent = new Set<Socket>();
  const open = new Set<Socket>();
  let left: Promise<void> | undefined;
  const isLeaving = () => left !== undefined;
  const handle = directHandler(options.receive, isLeaving);
  let onIdle: (() => void) | undefined;
  let loading: Promise<GrpcServer> | undefined;
  const grpc = () =>
    (loading ??= import("./grpc/server.ts").then(({ createGrpcServer }) =>
      createGrpcServer({ ...options, isLeaving }),
    ));

  const make = () => {
    const server = createServer(
      {
        headersTimeout: headTimeoutMs,
        requestTimeout: 0,
        connectionsCheckingInterval: timeoutCheckMs,
        keepAliveTimeout: keepAliveMs,
        maxHeaderSize: maxHeaderBytes,
        keepAlive: true,
        noDelay: true,
        joinDuplicateHeaders: true,
      },
      handle,
    );
    const [serveHttp1] = server.listeners("connection") as [
      (socket: Socket) => void,
    ];
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      silent.add(socket);
      open.add(socket);
      socket.once("close", () => {
        silent.delete(socket);
        open.delete(socket);
        if (open.size === 0) onIdle?.();
      });
      peek(socket, (isGrpc) => {
        silent.delete(socket);
        if (!isGrpc) {
          serveHttp1.call(server, socket);
          socket.resume();
        } else {
          socket.allowHalfOpen = false; // as HTTP/2 expects it
          void grpc().then((to) => to.serve(socket));
        }
      });
    });
    return server;
  };

  function leave(): Promise<void> {
    return (left ??= new Promise((resolve) => {
      if (open.size === 0) return resolve();
      const timer = setTimeout(resolve, leavingMs);
      onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    }));
  }

  const listening = await listenOn(options, make, servers);
  return {
    ...listening,
    direct: directVersion,
    leave: () => void leave(),
    async close() {
      await leave();
      const closed = Promise.all(servers.map(stopListening));
      for (const socket of silent) socket.destroy();
      await (await loading)?.close();
      await closed;
    },
  };
}

const stopListening = (server: Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));

const preface = Buffer.from("PRI");

/** Looks at the first bytes, and puts them back. */
function peek(socket: Socket, then: (isGrpc: boolean) => void) {
  let seen: Buffer = Buffer.alloc(0);
  socket.setTimeout(headTimeoutMs, () => socket.destroy());
  const onEnd = () => socket.destroy();
  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const size = Math.min(seen.length, preface.length);
    const isGrpc = seen.compare(preface, 0, size, 0, size) === 0;
    if (isGrpc && size < preface.length) return;
    socket.off("data", onData);
    socket.off("end", onEnd);
    socket.off("error", onEnd);
    socket.setTimeout(0);
    socket.removeAllListeners("timeout");
    socket.pause();
    socket.unshift(seen);
    then(isGrpc);
  };
  socket.on("end", onEnd);
  socket.on("error", onEnd);
  socket.on("data", onData);
}
