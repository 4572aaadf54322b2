/** One call, as its server has it. */
import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { GrpcSizes } from "../../contracts/call.ts";
import type {
  ProxiedCall,
  ProxiedMetadata,
} from "../../contracts/proxied-call.ts";
import type { Remote } from "../own-sockets.ts";
import { messageOf } from "../../shared/message-of.ts";
import { startTimer } from "../../shared/timers.ts";
import { leaveRest } from "./leave-rest.ts";
import {
  bytesOf,
  endFrames,
  frameMessage,
  markCompressed,
  MessageReader,
  writeFrames,
  type MessageBytes,
} from "./messages.ts";
import { MessageLimit } from "./message-limit.ts";
import { metadataHeaders, type Metadata } from "./metadata.ts";
import { proxiedMetadata } from "./proxied-metadata.ts";
import { Replay, usualKeptBytes } from "./replay.ts";
import { encodeText, GrpcError, grpcCode } from "./status.ts";
import { decodeTimeout } from "./timeout.ts";
import { pack } from "./unpack.ts";
import { Unpacker } from "./unpacker.ts";

export interface ServerCallHandlers {
  /** A view of what came. A call that is paused tells the messages that came with this one all the same. What it throws fails the call. Where it returns a promise, the message is in use until that settles; it must not reject. */
  onMessage(message: Buffer): unknown;
  /** The caller has sent all: told once, and not for a call that broke off. */
  onEnd(): void;
}

/** What a call has to know of its server and of its connection. */
export interface CallSetting {
  /** Of a message, either way; 0 or less is no limit. */
  maxMessageBytes: number;
  /** Messages may be compressed with gzip; who sends such is answered so. */
  gzip: boolean;
  /** Called whenever something goes out. */
  onSent(): void;
  /** Those that the end of the server ends. */
  endless: Set<ServerCall>;
}

const answerHead = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": "identity",
};
const gzipHead = { ...answerHead, "grpc-accept-encoding": "identity,gzip" };
const packedHead = { ...gzipHead, "grpc-encoding": "gzip" };
/** Node's types do not know `sendDate`. A date is no part of an answer of gRPC. */
const withTrailers = { waitForTrailers: true, sendDate: false };
const alone = { endStream: true, sendDate: false };
/** A shorter answer is sent as it is: packed, it would hardly be shorter. */
const packedBytes = 512;

export class ServerCall implements ProxiedCall {
  readonly path: string;
  readonly metadata: IncomingHttpHeaders;
  readonly #stream: ServerHttp2Stream;
  readonly #setting: CallSetting;
  readonly #raw: readonly string[];
  readonly #deadlineAt: number | undefined;
  #gone: AbortController | undefined;
  readonly #deadline: NodeJS.Timeout | undefined;
  /** Told once: the status that the call ended with, CANCELLED when its caller went away; and what failed it here. */
  onStatus: ((code: number, error?: unknown) => void) | undefined;
  /** Told what of a call of one message each way was read, and what is answered, by whoever reads it; set while somebody watches. */
  onDecoded:
    ((way: "request" | "response", message: unknown) => void) | undefined;
  /** Of its messages so far; those of a call that is passed on with their heads. */
  readonly sizes: GrpcSizes = { sentBytes: 0, receivedBytes: 0 };
  #whyGone: unknown;
  #unpacker: Unpacker | undefined;
  #replay: Replay | undefined;
  #keptBytes = usualKeptBytes;
  #isHeld = false;
  #isOver = false;
  #hasBegun = false;
  #hasRead = false;
  #trailers: ProxiedMetadata | undefined;
  #added: Record<string, string> | undefined;

  constructor(
    stream: ServerHttp2Stream,
    metadata: IncomingHttpHeaders,
    raw: readonly string[],
    setting: CallSetting,
  ) {
    this.#stream = stream;
    this.path = metadata[":path"] ?? "";
    this.metadata = metadata;
    this.#raw = raw;
    this.#setting = setting;
    const timeout = metadata["grpc-timeout"];
    if (typeof timeout === "string") {
      // Of several the last one counts, as in grpc-go.
      const timeoutMs = decodeTimeout(timeout.split(", ").at(-1)!);
      this.#deadlineAt = performance.now() + timeoutMs;
      this.#deadline = startTimer(() => this.#onDeadline(), timeoutMs);
    }
    stream.on("wantTrailers", () => {
      // Node asks for them of a stream that it resets as well.
      const trailers = this.#trailers;
      if (trailers) this.#send(() => stream.sendTrailers(trailers));
    });
    stream.on("close", () => {
      this.#markOver();
      const isWhole = this.#hasRead && this.#trailers && !stream.rstCode;
      if (!isWhole) this.#abort(callerGone());
      this.#tellStatus(grpcCode.cancelled);
    });
  }

  /** Aborted when the call ends before all of it was read and answered well: its caller went away, its deadline is over, it failed. */
  get signal(): AbortSignal {
    if (!this.#gone) {
      this.#gone = new AbortController();
      if (this.#whyGone) this.#gone.abort(this.#whyGone);
    }
    return this.#gone.signal;
  }

  /** Who is at the other end. */
  get remote(): Remote {
    const { remoteAddress, remotePort } = this.#stream.session?.socket ?? {};
    return { remoteAddress, remotePort };
  }

  /** Calls `then` when all is sent, or nothing can be any more. */
  onClose(then: () => void): void {
    if (this.#stream.closed) then();
    else this.#stream.once("close", then);
  }

  get proxied(): ProxiedMetadata {
    return proxiedMetadata(this.metadata, this.#raw);
  }

  get leftMs(): number | undefined {
    return this.#deadlineAt === undefined
      ? undefined
      : Math.max(0, this.#deadlineAt - performance.now());
  }

  /** Nothing is sent any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** It may last as long as its caller likes: so the server's end ends it, and does not wait. */
  endsWithServer(): void {
    const { endless } = this.#setting;
    endless.add(this);
    this.onClose(() => endless.delete(this));
  }

  /** Begins to read. Until then nothing of the request is lost. */
  read({ onMessage, onEnd }: ServerCallHandlers): void {
    // As in grpc-go, an empty one is none.
    const encoding = this.metadata["grpc-encoding"] || "identity";
    const { gzip, maxMessageBytes } = this.#setting;
    const isPacked = gzip && encoding === "gzip";
    if (encoding !== "identity" && !isPacked)
      return this.fail(unknownEncoding(encoding));
    const tell = (message: Buffer) => {
      if (this.#isOver || this.#isLate()) return;
      this.sizes.receivedBytes += message.length;
      return onMessage(message);
    };
    const unpacker = isPacked ? this.#unpack(tell) : undefined;
    const reader = new MessageReader(
      maxMessageBytes,
      unpacker
        ? (...message) => unpacker.add(...message)
        : (message) => void tell(message),
      isPacked,
    );
    this.#readStream(
      (chunk) => reader.push(chunk),
      () => reader.isWithinMessage,
      () => {
        if (!unpacker) return onEnd();
        unpacker.end(() => {
          if (!this.#isOver) onEnd();
        });
      },
    );
  }

  /** What `take` throws fails the call. */
  #readStream(
    take: (chunk: Buffer) => void,
    isWithinMessage: () => boolean,
    onEnd: () => void,
  ) {
    const stream = this.#stream;
    stream.on("data", (chunk: Buffer) => {
      if (this.#isOver) return;
      try {
        take(chunk);
      } catch (error) {
        this.fail(error);
      }
    });
    const finish = () => {
      if (this.#isOver || stream.closed || this.#isLate()) return;
      if (!isWithinMessage()) return onEnd();
      this.fail(
        new GrpcError(grpcCode.internal, "the request ended within a message"),
      );
    };
    // Node ends a stream that is reset too; callers on Node end one before they reset it, which comes right behind.
    const end = () => {
      this.#hasRead = !stream.closed;
      setImmediate(finish);
    };
    // One without any message may have ended before somebody reads it.
    if (stream.readableEnded) end();
    else stream.on("end", end);
  }

  #unpack(onMessage: (message: Buffer) => unknown): Unpacker {
    return (this.#unpacker = new Unpacker({
      maxBytes: this.#setting.maxMessageBytes,
      // There is one for each connection.
      owner: this.#setting,
      onMessage,
      onError: (error) => this.fail(error),
      hold: (isHeld) => {
        if (isHeld) this.#stream.pause();
        else if (!this.#isHeld) this.#stream.resume();
      },
    }));
  }

  readBytes(onBytes: (bytes: Buffer) => void, onEnd: () => void): void {
    if (this.#replay) {
      this.#replay.begin({ onBytes, onEnd });
      if (!this.#isHeld) this.#stream.resume();
      return;
    }
    const sink = { onBytes, onEnd };
    const replay = (this.#replay = new Replay(sink, this.#keptBytes));
    const limit = new MessageLimit(this.#setting.maxMessageBytes);
    this.#readStream(
      (chunk) => {
        if (this.#isLate()) return;
        limit.pass(chunk);
        this.sizes.receivedBytes += chunk.length;
        replay.push(chunk);
      },
      () => limit.isWithinMessage,
      () => replay.end(),
    );
  }

  keep(bytes: number): void {
    this.#keptBytes = Math.max(bytes, usualKeptBytes);
  }

  rewind(): boolean {
    if (this.#hasBegun || this.#isOver || this.#replay?.rewind() === false)
      return false;
    // It may have been held by the way that did not lead there.
    this.#isHeld = false;
    this.#stream.pause();
    return true;
  }

  /** The head of the answer, which {@link write} sends too where it is not sent yet. */
  begin(metadata: Metadata = {}): void {
    if (this.#hasBegun || this.#isOver || this.#stream.closed) return;
    const headers = { ...this.#head(), ...metadataHeaders(metadata) };
    this.#hasBegun = true;
    this.#setting.onSent();
    this.#send(() => this.#stream.respond(headers, withTrailers));
  }

  /** Nobody is there to catch what Node does not send: the call ends, and not the process. */
  #send(headers: () => void): void {
    try {
      headers();
    } catch (error) {
      this.#tellStatus(grpcCode.internal, error);
      this.reset();
    }
  }

  #head() {
    if (this.#unpacker) return packedHead;
    return this.#setting.gzip ? gzipHead : answerHead;
  }

  /** False when more should wait; `done` is called once the message is written, or never will be. One that is too large fails the call. */
  write(message: MessageBytes, done?: () => void): boolean {
    const frames = this.#framesOf(message);
    if (frames && !this.#stream.closed) {
      this.#setting.onSent();
      return writeFrames(this.#stream, frames, done);
    }
    if (done) process.nextTick(done);
    return true;
  }

  beginWith(metadata: ProxiedMetadata): void {
    if (this.#hasBegun || this.#isOver || this.#stream.closed) return;
    this.#hasBegun = true;
    this.#replay?.drop();
    this.#setting.onSent();
    this.#send(() =>
      this.#stream.respond({ ...metadata, ":status": 200 }, withTrailers),
    );
  }

  writeBytes(bytes: Uint8Array, done: () => void): boolean {
    if (!this.#isOver && !this.#stream.closed) {
      this.#setting.onSent();
      this.sizes.sentBytes += bytes.length;
      return this.#stream.write(bytes, done);
    }
    process.nextTick(done);
    return true;
  }

  endWith(trailers: ProxiedMetadata): void {
    if (this.#isOver) return;
    if (this.#hasBegun) this.#close(trailers);
    else this.#answerAlone({ ...trailers, ":status": 200 });
  }

  /** They go with the status of a call that ends well. */
  addTrailers(metadata: Metadata): void {
    this.#added = metadataHeaders(metadata) as Record<string, string>;
  }

  /** The answer went well; `last` is its last message. */
  end(last?: MessageBytes): void {
    const frames = last ? this.#framesOf(last) : [];
    if (!frames || this.#isOver) return;
    this.begin();
    if (this.#isOver) return;
    if (
      this.#unpacker &&
      last instanceof Uint8Array &&
      last.length > packedBytes
    )
      void this.#endPacked(last, frames);
    else this.#close({ "grpc-status": "0", ...this.#added }, frames);
  }

  /** Where it can't be packed, it goes out as it is. */
  async #endPacked(last: Uint8Array, asItIs: readonly Uint8Array[]) {
    const frames = await pack(last).then(
      (packed) => markCompressed(frameMessage(packed, 0)),
      () => asItIs,
    );
    if (!this.#isOver)
      this.#close({ "grpc-status": "0", ...this.#added }, frames);
  }

  #framesOf(message: MessageBytes): readonly Uint8Array[] | undefined {
    if (this.#isOver) return undefined;
    try {
      const frames = frameMessage(message, this.#setting.maxMessageBytes);
      this.begin();
      this.sizes.sentBytes += bytesOf(frames);
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
    if (!this.#hasBegun && !this.#stream.closed)
      this.#answerAlone({ ...this.#head(), ...trailers }, error);
    else this.#close(trailers, [], error);
    this.#abort(error);
  }

  /** A status is the whole answer. */
  #answerAlone(headers: OutgoingHttpHeaders, error?: unknown) {
    this.#markOver();
    this.#trailers = {};
    if (!this.#stream.closed) {
      this.#setting.onSent();
      this.#send(() => this.#stream.respond(headers, alone));
      leaveRest(this.#stream);
    }
    this.#tellStatus(Number(headers["grpc-status"]), error);
  }

  #abort(why: unknown) {
    this.#whyGone ??= why;
    this.#gone?.abort(why);
  }

  #tellStatus(code: number, error?: unknown) {
    this.onStatus?.(code, error);
    this.onStatus = undefined;
  }

  /** Ends the call at once: a status would come after all that is written. */
  reset(): void {
    this.#markOver();
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  pause(): void {
    this.#isHeld = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#isHeld = false;
    // The way that did not lead there may still ask for more.
    if (!this.#replay?.isWaiting) this.#stream.resume();
  }

  #close(
    trailers: ProxiedMetadata,
    last: readonly Uint8Array[] = [],
    error?: unknown,
  ) {
    this.#markOver();
    this.#trailers = trailers;
    this.#setting.onSent();
    endFrames(this.#stream, last);
    leaveRest(this.#stream);
    this.#tellStatus(Number(trailers["grpc-status"]), error);
  }

  #markOver() {
    this.#isOver = true;
    clearTimeout(this.#deadline);
    this.#unpacker?.close();
  }

  /** The time may be over before its timer comes: what is asked for is not done any more then. */
  #isLate(): boolean {
    if (this.leftMs !== 0) return false;
    this.#onDeadline();
    return true;
  }

  #onDeadline() {
    const error = new GrpcError(
      grpcCode.deadlineExceeded,
      "the caller's deadline is over",
    );
    this.fail(error);
    this.#abort(error);
  }
}

const callerGone = () => new Error("the caller went away");

const unknownEncoding = (encoding: unknown) =>
  new GrpcError(
    grpcCode.unimplemented,
    `messages compressed with ${JSON.stringify(String(encoding).slice(0, 60))} are not taken: send them as they are`,
  );
