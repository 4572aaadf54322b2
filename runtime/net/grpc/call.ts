/** One call, as its caller has it. */
import {
  constants,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from "node:http2";
import { messageOf } from "../../shared/message-of.ts";
import { startTimer } from "../../shared/timers.ts";
import { maxAnswerPairs, type Connection } from "./connection.ts";
import {
  bytesOf,
  endFrames,
  frameMessage,
  isGrpc,
  MessageReader,
  writeFrames,
  type MessageBytes,
} from "./messages.ts";
import { metadataHeaders, type Metadata } from "./metadata.ts";
import { answerMetadataBytes } from "./session.ts";
import {
  codeOfHttp,
  codeOfReset,
  GrpcError,
  grpcCode,
  statusOf,
} from "./status.ts";
import { MessageLimit } from "./message-limit.ts";
import { encodeTimeout } from "./timeout.ts";
import type { GrpcSizes } from "../../contracts/call.ts";
import type { ProxiedMetadata } from "../../contracts/proxied-call.ts";

export interface CallOptions {
  metadata?: Metadata;
  /** The call ends with DEADLINE_EXCEEDED after that long; the server is told. */
  timeoutMs?: number;
  /** Cancels the call, which then ends with the signal's reason. */
  signal?: AbortSignal;
  /** All messages of the request, where they are at hand: costs less than to write and end them. */
  whole?: readonly MessageBytes[];
  /** Of a message of this call, either way, instead of the client's. */
  maxMessageBytes?: number;
  /** Where the bytes of its messages are added. */
  sizes?: GrpcSizes | undefined;
  /** Instead of `metadata`, for a call that is passed on: all headers of its request. */
  proxied?: ProxiedMetadata;
}

export interface CallHandlers {
  /** The answer began; it is never told of one that is a status alone. */
  onHead?(metadata: IncomingHttpHeaders, raw: readonly string[]): void;
  /** Instead of messages: what came, with their heads, in whatever pieces. */
  onBytes?(bytes: Buffer): void;
  /** A view of what came. A call that is paused tells the messages that came with this one all the same. */
  onMessage?(message: Buffer): void;
  /** The last that is told: undefined for OK, a {@link GrpcError}, or the reason of a signal or of `cancel`; and what came with the status. */
  onEnd(
    error: Error | undefined,
    trailers: IncomingHttpHeaders,
    rawTrailers: readonly string[],
  ): void;
}

const requestHead = {
  ":method": "POST",
  "content-type": "application/grpc",
  te: "trailers",
  "user-agent": "grpc-dapr-ts",
};

export class ClientCall {
  readonly #connection: Connection;
  readonly #stream: ClientHttp2Stream;
  readonly #handlers: CallHandlers;
  readonly #maxBytes: number;
  readonly #sizes: GrpcSizes | undefined;
  readonly #reader: MessageReader;
  readonly #signal: AbortSignal | undefined;
  readonly #deadline: NodeJS.Timeout | undefined;
  readonly #onAbort = () => this.cancel(this.#signal!.reason as Error);
  #isOver = false;
  #hasEnded = false;
  /** What tells the status. */
  #trailers: IncomingHttpHeaders | undefined;
  #rawTrailers: readonly string[] = [];
  readonly #limit: MessageLimit | undefined;
  /**
   * Resets the stream of a request that is not sent yet. `close` would end it first, so that half a request would look like all
   * of it; and where an answer is being read meanwhile, Node 24 then sends empty frames without end.
   */
  readonly #cut: AbortController | undefined;

  constructor(
    connection: Connection,
    path: string,
    handlers: CallHandlers,
    { metadata, timeoutMs, signal, whole, proxied, sizes }: CallOptions,
    maxMessageBytes: number,
  ) {
    this.#connection = connection;
    this.#handlers = handlers;
    this.#maxBytes = maxMessageBytes;
    this.#sizes = sizes;
    this.#reader = new MessageReader(maxMessageBytes, (message) => {
      if (this.#isOver) return;
      if (sizes) sizes.receivedBytes += message.length;
      handlers.onMessage?.(message);
    });
    if (handlers.onBytes) this.#limit = new MessageLimit(maxMessageBytes);
    const frames = whole?.map((one) => this.#framesOf(one));
    const cut = whole ? undefined : new AbortController();
    this.#cut = cut;
    const stream = connection.session.request(
      {
        ...requestHead,
        ...proxied,
        ":path": path,
        ...(timeoutMs !== undefined && {
          "grpc-timeout": encodeTimeout(timeoutMs),
        }),
        ...(metadata && metadataHeaders(metadata)),
      },
      { endStream: false, ...(cut && { signal: cut.signal }) },
    );
    this.#stream = stream;
    connection.begin();
    if (timeoutMs !== undefined)
      this.#deadline = startTimer(
        () =>
          this.cancel(
            new GrpcError(
              grpcCode.deadlineExceeded,
              `no answer within ${Math.round(timeoutMs)} ms`,
            ),
          ),
        timeoutMs,
      );
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort);
    // Node gives the headers as they came behind what its types tell.
    stream.on("response", (head, flags, ...more: unknown[]) =>
      this.#takeHead(head, flags, more[0] as string[]),
    );
    stream.on("trailers", (trailers, _flags, ...more: unknown[]) => {
      this.#trailers = trailers;
      this.#rawTrailers = (more[0] as string[] | undefined) ?? [];
    });
    stream.on("data", (chunk: Buffer) => this.#takeBytes(chunk));
    stream.on("end", () => {
      if (this.#trailers) this.#finish(this.#status());
    });
    stream.on("error", () => {}); // its end tells more
    stream.on("close", () => {
      connection.end();
      if (!this.#isOver) this.#finish(this.#broken());
    });
    if (frames) {
      this.#hasEnded = true;
      endFrames(stream, frames.flat());
    }
  }

  /** A closed call takes nothing more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** False when more should wait; `done` is called once the message is written, or never will be. One that is too large ends the call. */
  write(message: MessageBytes, done?: () => void): boolean {
    if (!this.#isOver && !this.#hasEnded)
      try {
        return writeFrames(this.#stream, this.#framesOf(message), done);
      } catch (error) {
        this.cancel(error as Error);
      }
    if (done) process.nextTick(done);
    return true;
  }

  #framesOf(message: MessageBytes): readonly Uint8Array[] {
    const frames = frameMessage(message, this.#maxBytes);
    if (this.#sizes) this.#sizes.sentBytes += bytesOf(frames);
    return frames;
  }

  /** Of a call that is passed on: messages with their heads, in whatever pieces. */
  writeBytes(bytes: Uint8Array, done: () => void): boolean {
    if (!this.#isOver && !this.#hasEnded)
      return this.#stream.write(bytes, done);
    process.nextTick(done);
    return true;
  }

  /** Nothing more is sent, but for `last`. */
  end(last?: MessageBytes): void {
    if (this.#isOver || this.#hasEnded) return;
    if (last) this.write(last);
    if (this.#isOver) return;
    this.#hasEnded = true;
    this.#stream.end();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Ends the call here and there. */
  cancel(reason: Error): void {
    if (!this.#isOver) this.#finish(reason);
  }

  #takeHead(
    head: IncomingHttpHeaders,
    flags: number,
    raw: readonly string[] = [],
  ) {
    const isAlone = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const status = Number(head[":status"]);
    const type = head["content-type"] ?? "";
    if (status !== 200 || !isGrpc(type)) {
      this.#finish(
        new GrpcError(
          codeOfHttp(status),
          `the answer is no gRPC: its status is ${status}, its type ${JSON.stringify(type.slice(0, 60))}`,
          { origin: "http" },
        ),
      );
    } else if (head["grpc-status"] !== undefined && isAlone) {
      this.#trailers = head;
      this.#rawTrailers = raw;
    } else if (
      !this.#limit &&
      (head["grpc-encoding"] || "identity") !== "identity"
    ) {
      this.#finish(
        new GrpcError(
          grpcCode.internal,
          `the answer is compressed (${JSON.stringify(String(head["grpc-encoding"]).slice(0, 60))}), which was not asked for`,
        ),
      );
    } else if (!this.#isOver) {
      this.#handlers.onHead?.(head, raw);
    }
  }

  #takeBytes(chunk: Buffer) {
    if (this.#isOver) return;
    try {
      if (!this.#limit) return this.#reader.push(chunk);
      this.#limit.pass(chunk);
      this.#handlers.onBytes!(chunk);
    } catch (error) {
      this.cancel(error as Error);
    }
  }

  #status(): GrpcError | undefined {
    const status = statusOf(this.#trailers!);
    const { isWithinMessage } = this.#limit ?? this.#reader;
    if (status || !isWithinMessage) return status;
    return new GrpcError(
      grpcCode.internal,
      "the answer ended within a message",
      { origin: "reset" },
    );
  }

  /** The stream ended without a status that was read. */
  #broken(): GrpcError | undefined {
    const stream = this.#stream;
    const { lost } = this.#connection;
    if (this.#trailers && stream.readableLength === 0) return this.#status();
    if (
      stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ||
      this.#connection.isBeyond(stream.id)
    )
      return new GrpcError(
        grpcCode.unavailable,
        lost ? messageOf(lost) : "the call was refused before it was looked at",
        { cause: lost, origin: "refused" },
      );
    if (lost || this.#connection.session.destroyed)
      return new GrpcError(
        grpcCode.unavailable,
        lost ? messageOf(lost) : "the connection was closed",
        { cause: lost, origin: "lost" },
      );
    return new GrpcError(
      codeOfReset(stream.rstCode ?? 0),
      stream.rstCode
        ? `the call was reset with the HTTP/2 error ${stream.rstCode}${hintOf(stream.rstCode)}`
        : "the answer ended without a status of gRPC",
      { origin: "reset" },
    );
  }

  #finish(error: Error | undefined) {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    // A server that answers early may leave the request unread.
    if (!this.#stream.closed && (error || !this.#hasEnded)) {
      this.#connection.countReset();
      if (this.#cut && !this.#stream.writableFinished) this.#cut.abort();
      else this.#stream.close(constants.NGHTTP2_CANCEL);
    }
    this.#handlers.onEnd(error, this.#trailers ?? {}, this.#rawTrailers);
  }
}

/** Both sides reset with this one, and Node does not tell which side did. */
const hintOf = (rstCode: number) =>
  rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM
    ? ` (ENHANCE_YOUR_CALM): the head or the trailers of its answer have more than ${maxAnswerPairs} header fields or ${answerMetadataBytes} bytes (32 more counted for each), which is all that is taken here, or the other side found a limit of its own exceeded`
    : "";
