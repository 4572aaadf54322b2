/** Calls of one server. Connections are opened with the calls that need them, and shared by them. */
import type { IncomingHttpHeaders } from "node:http2";
import type { OnGrpcCall } from "../../contracts/call.ts";
import { unlessAborted } from "../../shared/unless-aborted.ts";
import { ClientCall, type CallHandlers, type CallOptions } from "./call.ts";
import { openConnection, type Connection, type Target } from "./connection.ts";
import type { MessageBytes } from "./messages.ts";
import { GrpcError, grpcCode } from "./status.ts";
import { told } from "./told.ts";

export interface GrpcClientOptions extends Target {
  /** Of a message, either way; 0 or less is no limit. */
  maxMessageBytes: number;
  /** Told of each unary call. */
  onAnswered?: OnGrpcCall | undefined;
}

/** A method's name and codecs; `@grpc/grpc-js` calls the same a MethodDefinition. */
export interface UnaryMethod<Request, Response> {
  /** `/package.Service/Method` */
  path: string;
  requestSerialize(message: Request): MessageBytes;
  responseDeserialize(bytes: Buffer): Response;
}

export interface UnaryOptions extends CallOptions {
  /** As {@link CallHandlers.onHead}. */
  onHead?(metadata: IncomingHttpHeaders): void;
  /** What came with the status OK; an error has its own. */
  onTrailers?(trailers: IncomingHttpHeaders): void;
}

export interface GrpcClient {
  /** Rejects with a {@link GrpcError} where there is no connection, or with the reason of its signal. After that its handlers are told. */
  start(
    path: string,
    handlers: CallHandlers,
    options?: CallOptions,
  ): Promise<ClientCall>;
  /** One message there, one back. Rejects with a {@link GrpcError}, or with the reason of its signal. */
  unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    options?: UnaryOptions,
  ): Promise<Response>;
  /** There is a connection, or one is being made. */
  readonly isConnected: boolean;
  /** Calls under way end at once. */
  close(): void;
}

/** To one server. Calls beyond what they take wait for their turn. */
const mostConnections = 16;

export function createGrpcClient(options: GrpcClientOptions): GrpcClient {
  const connections = new Set<Connection>();
  let opening: Promise<void> | undefined;
  let isClosed = false;
  /** Calls for which no connection has room, in the order in which they came. */
  const waiting = new Set<() => void>();
  function wakeOne() {
    for (const wake of waiting) {
      waiting.delete(wake);
      return wake();
    }
  }
  function wakeAll() {
    while (waiting.size > 0) wakeOne();
  }
  async function turn(signal: AbortSignal | undefined) {
    const mine = Promise.withResolvers<void>();
    waiting.add(mine.resolve);
    try {
      await unlessAborted(mine.promise, signal);
    } catch (error) {
      // Its turn had come: it is the next one's.
      if (!waiting.delete(mine.resolve)) wakeOne();
      throw error;
    }
  }

  async function open(): Promise<void> {
    try {
      const connection = await openConnection(options, wakeOne);
      const { session } = connection;
      if (isClosed) session.destroy();
      connections.add(connection);
      session.once("close", () => {
        connections.delete(connection);
        wakeAll(); // they may open another
      });
      wakeAll();
    } finally {
      opening = undefined;
    }
  }

  const withRoom = (): Connection | undefined => {
    for (const connection of connections)
      if (connection.hasRoom) return connection;
    return undefined;
  };

  const takesMore = ({ session }: Connection) => !session.closed;
  const isFull = () =>
    [...connections].filter(takesMore).length >= mostConnections;

  async function start(
    path: string,
    handlers: CallHandlers,
    callOptions: CallOptions = {},
  ): Promise<ClientCall> {
    const { signal } = callOptions;
    signal?.throwIfAborted();
    let connection = withRoom();
    while (!connection) {
      if (isClosed)
        throw new GrpcError(grpcCode.unavailable, "the client is closed", {
          origin: "unreachable",
        });
      // Calls that wait share the connection that is being opened.
      if (!isFull()) await unlessAborted((opening ??= open()), signal);
      else await turn(signal);
      connection = withRoom();
    }
    return new ClientCall(
      connection,
      path,
      handlers,
      callOptions,
      callOptions.maxMessageBytes ?? options.maxMessageBytes,
    );
  }

  return {
    start,
    unary: (method, request, callOptions) =>
      told(options.onAnswered, method.path, (sizes) =>
        unary(method, request, { ...callOptions, sizes }),
      ),
    get isConnected() {
      return connections.size > 0 || opening !== undefined;
    },
    close() {
      isClosed = true;
      for (const { session } of connections) session.destroy();
    },
  };

  async function unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    callOptions: UnaryOptions | undefined,
  ): Promise<Response> {
    const answer = Promise.withResolvers<Buffer>();
    let message: Buffer | undefined;
    const { path, requestSerialize, responseDeserialize } = method;
    const call = await start(
      path,
      {
        onHead: callOptions?.onHead,
        onMessage(bytes) {
          if (message) call.cancel(tooMany());
          else message = bytes;
        },
        onEnd(error, trailers) {
          if (error) return answer.reject(error);
          if (!message) return answer.reject(tooFew());
          callOptions?.onTrailers?.(trailers);
          answer.resolve(message);
        },
      },
      { ...callOptions, whole: [requestSerialize(request)] },
    );
    return responseDeserialize(await answer.promise);
  }
}

const tooMany = () =>
  new GrpcError(grpcCode.internal, "the answer has more than one message");
const tooFew = () =>
  new GrpcError(grpcCode.internal, "the answer has no message");
