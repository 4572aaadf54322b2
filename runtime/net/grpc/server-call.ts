/** One call, as its server has it. */
import {
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { messageOf } from "../../shared/message-of.ts";
import { startTimer } from "../../shared/timers.ts";
import {
  endFrames,
  frameMessage,
  MessageReader,
  writeFrames,
  type MessageBytes,
} from "./messages.ts";
import { metadataHeaders, type Metadata } from "./metadata.ts";
import { encodeText, GrpcError, grpcCode } from "./status.ts";
import { decodeTimeout } from "./timeout.ts";

export interface ServerCallHandlers {
  /** A view of what came. A call that is paused tells the messages that came with this one all the same. What it throws fails the call. */
  onMessage(message: Buffer): void;
  /** The caller has sent all: told once, and not for a call that broke off. */
  onEnd(): void;
}

/** Which compressions it takes: messages come as they are. */
const answerHead = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": "identity",
};
/** For the rest of a request that nobody reads any more. */
const restMs = 5000;

export class ServerCall {
  readonly path: string;
  readonly metadata: IncomingHttpHeaders;
  readonly #stream: ServerHttp2Stream;
  readonly #maxBytes: number;
  readonly #gone = new AbortController();
  readonly #deadline: NodeJS.Timeout | undefined;
  #isOver = false;
  #hasBegun = false;
  #hasRead = false;
  #trailers: Record<string, string> | undefined;

  constructor(
    stream: ServerHttp2Stream,
    metadata: IncomingHttpHeaders,
    maxMessageBytes: number,
  ) {
    this.#stream = stream;
    this.path = metadata[":path"] ?? "";
    this.metadata = metadata;
    this.#maxBytes = maxMessageBytes;
    const timeoutMs = decodeTimeout(String(metadata["grpc-timeout"] ?? ""));
    if (timeoutMs !== undefined)
      this.#deadline = startTimer(() => this.#onDeadline(), timeoutMs);
    stream.on("wantTrailers", () => {
      // Node asks for them of a stream that it resets as well.
      if (this.#trailers) stream.sendTrailers(this.#trailers);
    });
    stream.on("close", () => {
      clearTimeout(this.#deadline);
      this.#isOver = true;
      const isWhole = this.#hasRead && this.#trailers && !stream.rstCode;
      if (!isWhole) this.#gone.abort(callerGone());
    });
  }

  /** Aborted when the call ends before all of it was read and answered well: its caller went away, its deadline is over, it failed. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Nothing is sent any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Begins to read. Until then nothing of the request is lost. */
  read({ onMessage, onEnd }: ServerCallHandlers): void {
    const encoding = this.metadata["grpc-encoding"] ?? "identity";
    if (encoding !== "identity") return this.fail(unknownEncoding(encoding));
    const stream = this.#stream;
    const reader = new MessageReader(this.#maxBytes, (message) => {
      if (!this.#isOver) onMessage(message);
    });
    stream.on("data", (chunk: Buffer) => {
      if (this.#isOver) return;
      try {
        reader.push(chunk);
      } catch (error) {
        this.fail(error);
      }
    });
    const finish = () => {
      if (this.#isOver || stream.closed) return;
      if (reader.isWithinMessage)
        return this.fail(
          new GrpcError(
            grpcCode.internal,
            "the request ended within a message",
          ),
        );
      onEnd();
    };
    // Node ends a stream that is reset too; callers on Node end one before they reset it, which comes right behind.
    stream.on("end", () => {
      this.#hasRead = !stream.closed;
      setImmediate(finish);
    });
  }

  /** The head of the answer, which {@link write} sends too where it is not sent yet. */
  begin(metadata: Metadata = {}): void {
    if (this.#hasBegun || this.#isOver || this.#stream.closed) return;
    const headers = { ...answerHead, ...metadataHeaders(metadata) };
    this.#hasBegun = true;
    this.#stream.respond(headers, { waitForTrailers: true });
  }

  /** False when more should wait; `done` is called once the message is written, or never will be. One that is too large fails the call. */
  write(message: MessageBytes, done?: () => void): boolean {
    const frames = this.#framesOf(message);
    if (frames && !this.#stream.closed)
      return writeFrames(this.#stream, frames, done);
    if (done) process.nextTick(done);
    return true;
  }

  /** The answer went well; `last` is its last message. */
  end(last?: MessageBytes): void {
    const frames = last ? this.#framesOf(last) : [];
    if (!frames || this.#isOver) return;
    this.begin();
    this.#close({ "grpc-status": "0" }, frames);
  }

  #framesOf(message: MessageBytes): readonly Uint8Array[] | undefined {
    if (this.#isOver) return undefined;
    try {
      const frames = frameMessage(message, this.#maxBytes);
      this.begin();
      return frames;
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  /** Anything but a {@link GrpcError} is an UNKNOWN error, as in Go. `metadata` goes with the status. */
  fail(error: unknown, metadata: Metadata = {}): void {
    if (this.#isOver) return;
    const code = error instanceof GrpcError ? error.code : grpcCode.unknown;
    const trailers = {
      "grpc-status": String(code),
      "grpc-message": encodeText(messageOf(error)),
      ...(metadataHeaders(metadata) as Record<string, string>),
    };
    if (!this.#hasBegun && !this.#stream.closed) {
      this.#isOver = true;
      this.#trailers = trailers;
      this.#stream.respond({ ...answerHead, ...trailers }, { endStream: true });
      this.#leaveRest();
    } else this.#close(trailers);
    this.#gone.abort(error);
  }

  /** Ends the call at once: a status would come after all that is written. */
  reset(): void {
    this.#isOver = true;
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  #close(trailers: Record<string, string>, last: readonly Uint8Array[] = []) {
    this.#isOver = true;
    this.#trailers = trailers;
    clearTimeout(this.#deadline);
    endFrames(this.#stream, last);
    this.#leaveRest();
  }

  /** The caller may send on all the same: that is dropped, and not for ever. */
  #leaveRest() {
    const stream = this.#stream;
    if (stream.readableEnded || stream.closed) return;
    stream.resume();
    const timer = startTimer(
      () => stream.close(constants.NGHTTP2_NO_ERROR),
      restMs,
    ).unref();
    stream.once("close", () => clearTimeout(timer));
  }

  #onDeadline() {
    const error = new GrpcError(
      grpcCode.deadlineExceeded,
      "the caller's deadline is over",
    );
    this.fail(error);
    this.#gone.abort(error);
  }
}

const callerGone = () => new Error("the caller went away");

const unknownEncoding = (encoding: unknown) =>
  new GrpcError(
    grpcCode.unimplemented,
    `messages compressed with ${JSON.stringify(String(encoding).slice(0, 60))} are not taken: send them as they are`,
  );
