/**
 * One connection to the app over a bare socket: a request at a time, its answer
 * as bytes where all of it came at once, else as a stream. A general client
 * costs half as much again for each call.
 */
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
} from "../../contracts/invocation.ts";
import { countSpent, freeableCopy } from "../../shared/memory/spent-bytes.ts";
import { limitConnecting } from "../connect-limit.ts";
import type { ResponseHead } from "./head.ts";
import { createResponseParser } from "./parser.ts";
import type { Framing } from "./request.ts";
import { afterPoll } from "./turns.ts";
import { upload, type Upload } from "./upload.ts";

export interface Http1Target {
  host: string;
  port: number;
  /** The `Host` header. */
  authority: string;
  /** Makes a connection over TLS, instead of a bare one. */
  connectTls?: () => Socket;
  /** In ms; 10 s without it. */
  connectLimitMs?: number;
}

export interface Connection {
  /**
   * Sends a request whose head is made already. Rejects with what went wrong before the head of the answer
   * came; after that the answer's body fails. `onDone` is called once the
   * connection is done with the request. If the connection is kept, all that
   * the server has sent by then has been read.
   */
  send(
    request: ForwardRequest,
    head: string,
    framing: Framing,
    onDone: () => void,
  ): Promise<ForwardReply>;
  /** Whether it can take a request; `now` as of `performance.now()`. */
  isFree(now: number): boolean;
  /** Whether there was ever a connection: if not, whatever failed was the connecting. */
  wasMade(): boolean;
  /** Whether the request that failed met a kept connection and nothing of its answer came. */
  wasStale(): boolean;
  /** Whether the server had already closed the connection when that request came, so that nobody read it. Its error is `unsent`. */
  wasUnseen(): boolean;
  /** When the client that keeps it used it last, as of `performance.now()`. */
  freeSince: number;
  /** A request under way fails, with `reason` if there is one. */
  close(reason?: Error): void;
}

const connectMs = 10_000;
const keptMs = 60_000;
/** A connection is given up this much before the server's own limit, so that the server does not close it under a request. */
const marginMs = 1000;
/** A body of known length up to this is collected: if the app dies in it, the call is an error and not half an answer. */
const collectedBytes = 64 * 1024;

/** Up to this size, what is written at once to this machine arrives in one piece: all of it is taken, or nothing. */
const onePieceBytes = 16 * 1024;
const ownMachine = /^(127\.|::1$|localhost$)/;

const readBytes = 64 * 1024;
let shared: Buffer | undefined;
/**
 * What is read is copied or used up at once, so all connections can read into
 * one buffer. Windows starts a read before there are data: there each
 * connection needs its own buffer.
 */
const readBuffer = () =>
  process.platform === "win32"
    ? Buffer.allocUnsafeSlow(readBytes / 4)
    : (shared ??= Buffer.allocUnsafeSlow(readBytes));

/** A request under way. */
interface Exchange {
  resolve(reply: ForwardReply): void;
  reject(error: unknown): void;
  onDone(): void;
  head: ResponseHead | undefined;
  isComplete: boolean;
  /** Bytes of the body, until they are handed over. */
  parts: Buffer[];
  stream: AnswerBody | undefined;
  upload: Upload | undefined;
  signal: AbortSignal | undefined;
  onAbort(): void;
  isOnePiece: boolean;
}

export function createConnection({
  host,
  port,
  connectTls,
  connectLimitMs = connectMs,
}: Omit<Http1Target, "authority">): Connection {
  let exchange: Exchange | undefined;
  let isMade = false;
  let isUsed = false;
  let isStale = false;
  let isUnseen = false;
  let hasEnded = false;
  let expiresAt = Infinity;
  let problem: Error | undefined;

  const parser = createResponseParser({
    onHead: (head) => (exchange!.head = head),
    onData(bytes) {
      const { stream, parts } = exchange!;
      if (!stream) parts.push(Buffer.from(bytes));
      else if (!stream.push(freeableCopy(bytes))) socket.pause();
    },
    onEnd: () => (exchange!.isComplete = true),
  });

  const feed = (bytes: Buffer) => read(() => parser.feed(bytes));
  const socket = connectTls
    ? connectTls().on("data", (bytes: Buffer) => {
        countSpent(bytes.length);
        feed(bytes);
      })
    : connect({
        host,
        port,
        noDelay: true,
        allowHalfOpen: true, // for what `end` looks at
        onread: {
          buffer: readBuffer(),
          callback(size, buffer) {
            feed((buffer as Buffer).subarray(0, size));
            return true;
          },
        },
      });
  limitConnecting(socket, connectLimitMs);
  socket.once("connect", () => (isMade = true));
  socket.on("end", () => {
    hasEnded = true;
    const current = exchange;
    if (!current?.isOnePiece || !isUsed || parser.hasBegun())
      return read(() => parser.finish());
    // If the server had closed before the request came, it refused that, and
    // refuses more bytes at once. Else it may have read the request, and two
    // bytes more do not matter.
    socket.write("\r\n", (error) => {
      isUnseen = Boolean(error);
      if (exchange === current) read(() => parser.finish());
    });
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    problem = error;
    // The one piece was not taken, so the server was gone by then.
    if (error.syscall !== "write" || !exchange?.isOnePiece || hasEnded) return;
    isUnseen = true;
    problem = Object.assign(error, { unsent: true });
  });
  socket.on("close", () =>
    fail(problem ?? new Error("the connection was closed")),
  );

  function read(step: () => void) {
    if (!exchange) return void socket.destroy(); // bytes nobody asked for, or the end of a kept connection
    try {
      step();
    } catch (error) {
      return fail(error as Error);
    }
    // The reader may have left when the stream ended.
    if (!exchange) return;
    if (exchange.isComplete) complete(exchange);
    else if (exchange.head && !exchange.stream && !isCollected(exchange.head))
      startStream(exchange, exchange.head);
  }

  function startStream(current: Exchange, head: ResponseHead) {
    const stream = new AnswerBody(
      () => socket.resume(),
      (error) => {
        if (exchange === current)
          fail(error ?? new Error("the answer is not wanted any more"));
      },
    );
    current.stream = stream;
    for (const part of current.parts) stream.push(part);
    current.resolve({
      status: head.status,
      headers: head.headers,
      body: stream,
    });
  }

  function complete(current: Exchange) {
    const head = current.head!;
    const isSent = !current.upload || current.upload.isDone();
    const isKept = head.keepAlive && isSent && !hasEnded && !parser.hasExcess();
    end(current);
    const restMs = Math.min(keptMs, (head.keepAliveMs ?? Infinity) - marginMs);
    if (isKept && restMs > 0) {
      isUsed = true;
      expiresAt = performance.now() + restMs;
      if (socket.isPaused()) socket.resume();
      // What came behind an answer is for nobody, and ends the connection: its
      // bytes must be read before the next request goes out.
      afterPoll(current.onDone);
    } else {
      socket.destroy();
      current.onDone();
    }
    if (current.stream) current.stream.push(null);
    else
      current.resolve({
        status: head.status,
        headers: head.headers,
        body: joined(current.parts),
      });
  }

  function fail(error: Error) {
    const current = exchange;
    if (!current) return;
    isStale = isUsed && !parser.hasBegun();
    end(current);
    socket.destroy();
    current.onDone();
    if (current.stream) current.stream.destroy(error);
    else current.reject(error);
  }

  function end(current: Exchange) {
    exchange = undefined;
    current.signal?.removeEventListener("abort", current.onAbort);
    current.upload?.stop();
  }

  return {
    send({ method, body, signal }, head, framing, onDone) {
      return new Promise((resolve, reject) => {
        const current: Exchange = {
          resolve,
          reject,
          onDone,
          head: undefined,
          isComplete: false,
          parts: [],
          stream: undefined,
          upload: undefined,
          signal,
          onAbort: () => fail(signal!.reason as Error),
          isOnePiece:
            !connectTls &&
            !(body instanceof Readable) &&
            head.length + (body?.length ?? 0) <= onePieceBytes &&
            ownMachine.test(host),
        };
        exchange = current;
        parser.begin(method === "HEAD");
        signal?.addEventListener("abort", current.onAbort);
        if (body instanceof Readable) {
          socket.write(head, "latin1");
          current.upload = upload(body, socket, framing, fail);
        } else if (body === undefined || body.length === 0)
          socket.write(head, "latin1");
        else {
          socket.cork();
          socket.write(head, "latin1");
          socket.write(body);
          socket.uncork();
        }
      });
    },
    isFree: (now) =>
      exchange === undefined && socket.writable && now < expiresAt,
    wasMade: () => isMade,
    wasStale: () => isStale,
    wasUnseen: () => isUnseen,
    freeSince: 0,
    close(reason = new CallError("unavailable", "the sidecar shuts down")) {
      fail(reason);
      socket.destroy();
    },
  };
}

const isCollected = ({ length }: ResponseHead) =>
  length !== undefined && length <= collectedBytes;

const empty = new Uint8Array(0);

const joined = (parts: Buffer[]): Uint8Array =>
  parts.length === 0
    ? empty
    : parts.length === 1
      ? parts[0]!
      : Buffer.concat(parts);

/** An answer's body as it comes. If its reader gives it up, its connection is closed. */
class AnswerBody extends Readable {
  readonly #onWanted: () => void;
  readonly #onClosed: (error: Error | null) => void;

  constructor(onWanted: () => void, onClosed: (error: Error | null) => void) {
    super({ highWaterMark: collectedBytes });
    this.#onWanted = onWanted;
    this.#onClosed = onClosed;
    // It may fail before anybody reads it; an app's failure must not end the sidecar.
    this.on("error", () => {});
  }

  override _read() {
    this.#onWanted();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void) {
    this.#onClosed(error);
    done(error);
  }
}
