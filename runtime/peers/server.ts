/**
 * The port for other sidecars. Those of this kind call over HTTP/1.1
 * (protocol.ts), the original's by gRPC (spec grpc §4): the first bytes of a
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
  /** Of a message over gRPC; 0 or less is no limit. */
  maxBodyBytes: number;
}

export interface PeerServer extends Listening {
  /** What it speaks besides gRPC, for its registration. */
  direct: string;
  /** From now on calls are answered as ones that its app never saw. */
  leave(): void;
  /** Leaves, lets calls under way end, then resolves. */
  close(): Promise<void>;
}

/** For the first bytes, and for the rest of a head. */
const headTimeoutMs = 10_000;
const timeoutCheckMs = 1000;
const maxHeaderBytes = 64 * 1024;
/**
 * After it leaves, connections are open for so long: a call on its way gets its
 * answer, and its caller then closes the others. Calls met by a closed one may
 * have been read, for all that their callers know.
 */
const leavingMs = 500;
/** More than a sidecar keeps a connection itself. */
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
          socket.allowHalfOpen = false; // as HTTP/2 has its connections
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
