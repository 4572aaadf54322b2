/**
 * The port for other sidecars. Those of this kind call over HTTP/1.1
 * (protocol.ts), the original's by gRPC (docs/protocol/sidecars.md). The first bytes of a
 * connection tell which. gRPC is loaded with the first connection that needs it.
 */
import { createServer, type RequestListener } from "node:http";
import type { OnGrpcCall } from "../contracts/call.ts";
import type { Forward } from "../contracts/invocation.ts";
import type { ProxiedCall } from "../contracts/proxied-call.ts";
import type { GrpcServer } from "../net/grpc/server.ts";
import { watchAsked } from "../net/asked.ts";
import { closeServer, type Listening } from "../net/listen.ts";
import { tellHttp2 } from "../net/tell-http2.ts";
import { listenForPeers, type PortOptions } from "./port.ts";
import { greetingAnswer, greetingQuestion } from "./direct/protocol.ts";
import { directHandler, lastAnswer } from "./direct/server.ts";

export interface PeerServerOptions extends PortOptions {
  receive: Forward;
  receiveProxied?: (call: ProxiedCall) => Promise<void>;
  /** The limit of a message over gRPC; 0 or less is none. */
  maxBodyBytes: number;
  onGrpcCall?: OnGrpcCall | undefined;
  /** Told of each gRPC call that was passed on to the app. */
  onGrpcPassedOn?: OnGrpcCall | undefined;
}

export interface PeerServer extends Omit<Listening, "servers"> {
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
  let onIdle: (() => void) | undefined;
  const asked = watchAsked(() => onIdle?.());
  let left: Promise<void> | undefined;
  const isLeaving = () => left !== undefined;
  const take = directHandler(options.receive, isLeaving);
  const handle: RequestListener = (incoming, outgoing) => {
    if (asked.isAnswered(incoming.socket)) incoming.resume();
    else take(incoming, outgoing);
  };
  let loading: Promise<GrpcServer> | undefined;
  const grpc = () =>
    (loading ??= import("./grpc/server.ts").then(({ createPeerGrpc }) =>
      createPeerGrpc({ ...options, isLeaving }),
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
    tellHttp2(server, {
      silentMs: headTimeoutMs,
      serveHttp2(socket) {
        asked.setAside(socket);
        void grpc().then((to) => to.serve(socket));
      },
      greeting: {
        question: Buffer.from(greetingQuestion),
        answer: Buffer.from(greetingAnswer),
        isAnswered: () => !isLeaving(),
      },
    });
    asked.watch(server);
    return server;
  };

  function leave(): Promise<void> {
    return (left ??= new Promise((resolve) => {
      if (asked.isEmpty()) return resolve();
      const timer = setTimeout(resolve, leavingMs);
      onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    }));
  }

  const { servers, ...listening } = await listenForPeers(options, make);
  return {
    ...listening,
    leave: () => void leave(),
    async close() {
      await leave();
      // Before the servers close, which resets connections without a request.
      await asked.answerUnasked(lastAnswer());
      const closed = Promise.all(servers.map(closeServer));
      asked.endUnasked();
      await (await loading)?.close();
      await closed;
    },
  };
}
