/**
 * The API over HTTP: node:http, one guard, one router, replies as data. The
 * only file of the API that knows the HTTP server library.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { Server as NetServer, type AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { ApiError } from "../../contracts/errors.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Logger } from "../../shared/log.ts";
import type { Remote } from "../../net/own-sockets.ts";
import { watchAsked } from "../../net/asked.ts";
import { listenOn, type ListenError } from "../../net/listen.ts";
import { tellHttp2 } from "../../net/tell-http2.ts";
import { answerClientError } from "./client-error.ts";
import { errorReply } from "./error-reply.ts";
import type { Guard } from "./guard.ts";
import { createH2c, type H2c } from "./h2c.ts";
import { createRequest } from "./incoming.ts";
import { sendInstead, sendReply, type SendOptions } from "./outgoing.ts";
import type { ApiReply, ApiRequest, Handler, Route } from "./request.ts";
import { createRouter } from "./router.ts";
import type { WatchCall, WatchedCall } from "./watch-calls.ts";
import { libraryMs } from "../../shared/timers.ts";

export interface ServerOptions {
  routes: readonly Route[];
  fallback: Handler;
  guard?: Guard;
  cors?: (request: ApiRequest) => Cors | undefined;
  /** Bytes; a longer body fails with `stream too large`. */
  maxBodyBytes: number;
  /** A request whose headers take longer is cut; 10 s by default, 0 = never. */
  headerTimeoutMs?: number;
  /** `--read-buffer-size`; a longer header is answered 431. */
  readBufferBytes: number;
  /** Called once per answered request. */
  onAnswered?: OnAnswered;
  watchCall?: WatchCall | undefined;
  refuseTaken?: boolean;
  /** A socket in the file system instead of addresses and port. */
  file?: string;
  /** Serve HTTP/2 without TLS on the same port. */
  h2c?: boolean;
  log: Logger;
  /** Aborts the wait for a taken port. */
  signal?: AbortSignal;
}

export interface Cors {
  headers: Record<string, string>;
  /** A preflight ends here, with 200. */
  preflight: boolean;
}

/** `bytes`: of the answer's body. `isAdmitted`: the guard let the request in. */
export type OnAnswered = (
  request: ApiRequest,
  reply: ApiReply,
  bytes: number,
  ms: number,
  isAdmitted: boolean,
) => void;

export interface HttpApi {
  /** Where it listens, one per address; none for a file. */
  addresses: AddressInfo[];
  /** Takes no new connections, finishes requests under way, then resolves. */
  close(): Promise<void>;
  /** Cuts what is left. */
  closeNow(): void;
}

const timeoutCheckMs = 1000;
const lastCallMs = 50;
/** Go allows this much over the read buffer. */
const headerSlackBytes = 4096;

/**
 * Listens on every address. One that can't be used is logged and skipped; if
 * none can, that is an error. With `refuseTaken` a taken one is an error too:
 * whoever has it would get half of this sidecar's calls.
 */
export async function listen(
  addresses: readonly string[],
  port: number,
  options: ServerOptions,
): Promise<HttpApi> {
  const state = { closing: false };
  const handle = createHandler(options, state);
  const asked = watchAsked();
  const maxHeaderBytes = options.readBufferBytes + headerSlackBytes;
  const headerTimeoutMs = options.headerTimeoutMs ?? 10_000;
  let h2c: H2c | undefined;
  const make = () => {
    const server = createServer(
      {
        headersTimeout: libraryMs(headerTimeoutMs),
        requestTimeout: 0,
        connectionsCheckingInterval: timeoutCheckMs,
        keepAliveTimeout: 0,
        maxHeaderSize: maxHeaderBytes,
        keepAlive: true,
        noDelay: true,
        joinDuplicateHeaders: true,
      },
      handle,
    );
    // A caller may close its own side once it has asked; it still gets its answer.
    Object.assign(server, { httpAllowHalfOpen: true });
    if (options.h2c)
      tellHttp2(server, {
        silentMs: libraryMs(headerTimeoutMs),
        serveHttp2(socket) {
          asked.setAside(socket);
          h2c ??= createH2c(handle, maxHeaderBytes);
          h2c.serve(socket);
        },
      });
    asked.watch(server);
    server.on("clientError", answerClientError);
    return server;
  };
  const { servers, failures } = await listenOn({
    addresses,
    port,
    file: options.file,
    make,
    isFatal: ({ code }) =>
      options.refuseTaken === true && code === "EADDRINUSE",
    wait: options,
  }).catch((error: ListenError) => {
    throw new Error(
      `could not listen on port ${port}: ${error.message}; is another sidecar running there? give another port`,
      { cause: error },
    );
  });
  for (const failure of failures)
    options.log.warn(`an address is not served: ${failure}`);
  return {
    addresses: servers
      .map((server) => server.address())
      .filter((one) => one !== null && typeof one !== "string"),
    async close() {
      state.closing = true; // from now on each answer is the last of its connection
      const closed = Promise.all(servers.map(stopListening));
      // A request on its way over an idle connection is answered, not reset.
      if (!asked.isEmpty()) await delay(lastCallMs);
      for (const server of servers) server.close(); // what is idle now
      h2c?.close();
      // Half a request's head is no request, and nobody knows when the rest would come.
      asked.endUnasked();
      await closed;
    },
    closeNow() {
      for (const server of servers) server.closeAllConnections();
    },
  };
}

/** As `server.close()`, which would also cut idle connections at once. */
function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    NetServer.prototype.close.call(server, () => resolve());
  });
}

function createHandler(options: ServerOptions, state: { closing: boolean }) {
  const find = createRouter(options.routes);
  const { guard, cors, onAnswered, watchCall, log } = options;

  /** Runs the chain and turns whatever is thrown into the documented reply. */
  const answer = async (request: ApiRequest): Promise<ApiReply> => {
    try {
      const match = find(request.method, request.path);
      if (match) {
        request.route = match.pattern;
        request.params = match.params;
        const reply = await match.handler(request);
        if (reply) return reply;
        request.route = undefined;
      }
      return await options.fallback(request);
    } catch (error) {
      return replyTo(error, log);
    }
  };

  return (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    remote: Remote = incoming.socket,
  ) => {
    const started = onAnswered ? performance.now() : 0;
    const request = createRequest(
      incoming,
      outgoing,
      remote,
      options.maxBodyBytes,
    );
    let watched: WatchedCall | undefined;
    const finish = (reply: ApiReply, isAdmitted = false) => {
      if (state.closing) outgoing.shouldKeepAlive = false;
      watched?.answered(reply);
      const sending: SendOptions = {
        isLast: () => state.closing,
        onSent:
          onAnswered || watched
            ? (bytes) => {
                onAnswered?.(
                  request,
                  reply,
                  bytes,
                  performance.now() - started,
                  isAdmitted,
                );
                watched?.sent(bytes);
              }
            : undefined,
      };
      try {
        sendReply(incoming, outgoing, reply, sending);
      } catch (error) {
        log.error(`an answer could not be written: ${stackOf(error)}`);
        sending.onSent?.(sendInstead(outgoing, reply, error));
      }
    };
    const crossOrigin = cors?.(request);
    const refused = guard?.(request, crossOrigin?.preflight);
    if (refused) {
      const reply = errorReply(refused);
      reply.headers = { ...crossOrigin?.headers };
      finish(reply);
      return;
    }
    if (hasUnknownCoding(incoming)) {
      finish(errorReply(new ApiError("unknownCoding")));
      return;
    }
    if (crossOrigin?.preflight) {
      finish({ status: 200, headers: crossOrigin.headers });
      return;
    }
    watched = watchCall?.(request, incoming);
    void answer(request).then((reply) => {
      if (crossOrigin) allowOrigin(reply, crossOrigin.headers);
      finish(reply, true);
    });
  };
}

/** A body under `gzip, chunked` would go on without its `gzip` (RFC 9112 §6.1). */
function hasUnknownCoding({ headers }: IncomingMessage): boolean {
  const coding = headers["transfer-encoding"];
  return coding !== undefined && coding.toLowerCase() !== "chunked";
}

/** A header of the sidecar's own answer wins; in an answer that is passed on, the sidecar's wins over the app's. */
function allowOrigin(reply: ApiReply, headers: Record<string, string>) {
  const { rawHeaders } = reply;
  if (!rawHeaders) {
    reply.headers = { ...headers, ...reply.headers };
    return;
  }
  reply.rawHeaders = Object.entries(headers).flat();
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (!/^access-control-allow-origin$/i.test(rawHeaders[i]!))
      reply.rawHeaders.push(rawHeaders[i]!, rawHeaders[i + 1]!);
}

function replyTo(error: unknown, log: Logger): ApiReply {
  if (error instanceof ApiError) return errorReply(error);
  log.error(`unexpected error: ${stackOf(error)}`);
  return errorReply(new ApiError("unexpected", [messageOf(error)]));
}

const stackOf = (error: unknown) => (error as Error)?.stack ?? String(error);
