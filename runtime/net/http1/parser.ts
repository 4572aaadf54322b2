/**
 * Reads answers of HTTP/1.x from bytes as they come (RFC 9112). Strict: what two
 * readers could understand differently is refused, so that nothing can hide in
 * an answer. Keeps no view of its input.
 */
import {
  badChunk,
  checkExtensions,
  checkTrailer,
  hexDigit,
  moveRun,
} from "./chunk-lines.ts";
import { ProtocolError } from "./error.ts";
import { readHead, refuseBareLineFeed, type ResponseHead } from "./head.ts";

export interface ParserEvents {
  /** The final answer's head; informational ones (1xx) are skipped. */
  onHead(head: ResponseHead): void;
  /** Bytes of the body: a view that is valid only during the call. */
  onData(bytes: Buffer): void;
  onEnd(): void;
}

export interface ResponseParser {
  /** Expects an answer; one to HEAD has no body. */
  begin(isHead: boolean): void;
  /** Takes bytes, and may move them. Throws a {@link ProtocolError}. */
  feed(bytes: Buffer): void;
  /** The connection ended. Throws a {@link ProtocolError} when the answer is not complete by that. */
  finish(): void;
  /** Whether anything of the expected answer has come. */
  hasBegun(): boolean;
  /** Whether bytes came that belong to no answer. */
  hasExcess(): boolean;
}

const maxHeadBytes = 64 * 1024;
/** For all trailers of an answer; they are dropped. */
const maxTrailerBytes = 16 * 1024;
/** For the extensions of one chunk; they are dropped. */
const maxExtensionBytes = 4096;
/** 15 hexadecimal digits would exceed what a number holds exactly. */
const maxSizeDigits = 13;
/** Smaller chunks of one read are joined: handing over a piece costs as much as copying some hundred bytes. */
const movedBytes = 4096;

const [cr, lf, semicolon] = [0x0d, 0x0a, 0x3b];
const endOfHead = Buffer.from("\r\n\r\n");
const start = Buffer.from("HTTP/1.");

// What is expected next. They are numbers, as they are compared for each piece of each answer.
const head = 0;
const counted = 1;
const untilClose = 2;
const chunkSize = 3;
const chunkExtension = 4;
const chunkSizeLf = 5;
const chunkData = 6;
const chunkCr = 7;
const chunkLf = 8;
const trailer = 9;
const trailerLf = 10;
const nothing = 11;

export function createResponseParser(events: ParserEvents): ResponseParser {
  let state = nothing;
  let isHeadRequest = false;
  let begun = false;
  let excess = false;
  let pending: Buffer | undefined;
  /** Bytes left of the body or chunk. */
  let left = 0;
  let digits = 0;
  /** Bytes of the trailers, or of a chunk's extensions, so far. */
  let dropped = 0;
  /** A trailer, or a chunk's extensions, so far. */
  let line = "";
  /** Where the joined data of chunks is in the bytes that are fed. */
  let movedFrom = 0;
  let movedTo = 0;
  /** Of the bytes that are fed, once it is needed. */
  let view: DataView | undefined;

  function end() {
    state = nothing;
    events.onEnd();
  }

  function giveMoved(bytes: Buffer) {
    if (movedTo > movedFrom) events.onData(bytes.subarray(movedFrom, movedTo));
    movedFrom = movedTo = 0;
  }

  /** Reads a head that begins at `at`; returns where the rest begins. */
  function takeHead(bytes: Buffer, at: number): number {
    let all = at === 0 ? bytes : bytes.subarray(at);
    const known = pending?.length ?? 0;
    if (pending) all = Buffer.concat([pending, all]);
    const size = Math.min(all.length, start.length);
    if (all.compare(start, 0, size, 0, size) !== 0)
      throw new ProtocolError("the answer does not begin with HTTP/1.");
    const found = all.indexOf(endOfHead, Math.max(0, known - 3));
    if (found > maxHeadBytes || (found < 0 && all.length > maxHeadBytes))
      throw new ProtocolError(
        `the head of the answer is larger than ${maxHeadBytes} bytes`,
      );
    if (found < 0) {
      refuseBareLineFeed(all, known);
      pending = all === bytes || !pending ? Buffer.from(all) : all;
      return bytes.length;
    }
    pending = undefined;
    takeResponse(readHead(all.toString("latin1", 0, found)));
    return at + found + endOfHead.length - known;
  }

  function takeResponse(response: ResponseHead) {
    const { status, length, isChunked } = response;
    if (status === 101)
      throw new ProtocolError("the answer switches protocols unasked");
    if (status < 200) {
      if (isChunked || length !== undefined || !response.keepAlive)
        throw new ProtocolError(
          `an answer of status ${status} announces a body or the end`,
        );
      return; // informational: the answer is still to come
    }
    const isBodiless = status === 204 || status === 304;
    if (isBodiless || isHeadRequest) {
      state = nothing;
      // A server that announces a body may send it, sooner or later.
      const mayFollow = isChunked || (isBodiless ? length : length !== 0);
      if (mayFollow) response.keepAlive = false;
    } else if (isChunked) startChunk();
    else if (length !== undefined) {
      left = length;
      state = length === 0 ? nothing : counted;
    } else state = untilClose;
    events.onHead(response);
    if (state === nothing) events.onEnd();
  }

  function startChunk() {
    state = chunkSize;
    left = digits = dropped = 0;
  }

  function takeData(bytes: Buffer, at: number): number {
    const size = Math.min(left, bytes.length - at);
    left -= size;
    if (state === counted) events.onData(bytes.subarray(at, at + size));
    else giveChunk(bytes, at, size);
    if (left === 0) {
      if (state === counted) end();
      else state = chunkCr;
    }
    return at + size;
  }

  function giveChunk(bytes: Buffer, at: number, size: number) {
    if (size >= movedBytes) {
      giveMoved(bytes);
      events.onData(bytes.subarray(at, at + size));
    } else if (movedTo === 0) {
      movedFrom = at;
      movedTo = at + size;
    } else {
      if (size > 32) bytes.copyWithin(movedTo, at, at + size);
      else for (let i = 0; i < size; i++) bytes[movedTo + i] = bytes[at + i]!;
      movedTo += size;
    }
  }

  /** Takes as many chunks as are whole, plain and short; returns where the rest begins. */
  function takeShortChunks(bytes: Buffer, from: number): number {
    for (let at = from; ;) {
      let size = hexDigit(bytes[at]!);
      if (size < 0) return at;
      let head = at + 1;
      for (; head < at + 3; head++) {
        const digit = hexDigit(bytes[head]!);
        if (digit < 0) break;
        size = size * 16 + digit;
      }
      const next = head + size + 4;
      const isShort =
        size > 0 &&
        next <= bytes.length &&
        bytes[head] === cr &&
        bytes[head + 1] === lf &&
        bytes[next - 2] === cr &&
        bytes[next - 1] === lf;
      if (!isShort) return at;
      // Read before the data is moved, maybe over it.
      const digit = bytes[head - 1]!;
      giveChunk(bytes, head + 2, size);
      at = next;
      // More than one digit tells larger ones.
      if (size > 15 || digit !== bytes[next]) continue;
      view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      at = moveRun(bytes, view, next, digit, size, movedTo);
      movedTo += ((at - next) / (size + 5)) * size;
    }
  }

  function takeSize(byte: number) {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++digits > maxSizeDigits)
        throw new ProtocolError("a chunk of the answer is too large");
      left = left * 16 + digit;
    } else if (digits === 0) throw badChunk();
    else if (byte === semicolon) state = chunkExtension;
    else if (byte === cr) state = chunkSizeLf;
    else throw badChunk();
  }

  /** Extensions and trailers are checked, no more. */
  function drop(byte: number, limit: number) {
    if (++dropped > limit)
      throw new ProtocolError("the answer's chunked coding never ends");
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) throw badChunk();
    line += String.fromCharCode(byte);
  }

  function takeByte(byte: number) {
    switch (state) {
      case chunkSize:
        return takeSize(byte);
      case chunkExtension:
        if (byte !== cr) return drop(byte, maxExtensionBytes);
        checkExtensions(line);
        state = chunkSizeLf;
        return;
      case chunkSizeLf:
        if (byte !== lf) throw badChunk();
        dropped = 0;
        line = "";
        state = left > 0 ? chunkData : trailer;
        return;
      case chunkCr:
        if (byte !== cr) throw badChunk();
        state = chunkLf;
        return;
      case chunkLf:
        if (byte !== lf) throw badChunk();
        return startChunk();
      case trailer:
        if (byte === cr) state = trailerLf;
        else drop(byte, maxTrailerBytes);
        return;
      case trailerLf:
        if (byte !== lf) throw badChunk();
        if (line === "") return end();
        checkTrailer(line);
        line = "";
        state = trailer;
    }
  }

  function take(bytes: Buffer) {
    for (let at = 0; at < bytes.length;) {
      if (state === head) at = takeHead(bytes, at);
      else if (state === counted || state === chunkData)
        at = takeData(bytes, at);
      else if (state === untilClose) {
        events.onData(bytes.subarray(at));
        return;
      } else if (state === nothing) {
        excess = true;
        return;
      } else {
        if (state === chunkSize && digits === 0)
          at = takeShortChunks(bytes, at);
        if (at === bytes.length) return;
        const byte = bytes[at++]!;
        // The end is reported after all data.
        if (state === trailerLf && line === "") giveMoved(bytes);
        takeByte(byte);
      }
    }
  }

  return {
    begin(isHead) {
      state = head;
      isHeadRequest = isHead;
      begun = excess = false;
      pending = undefined;
    },
    feed(bytes) {
      if (bytes.length > 0) begun = true;
      movedFrom = movedTo = 0;
      view = undefined;
      take(bytes);
      giveMoved(bytes);
    },
    finish() {
      if (state === untilClose) end();
      else if (state !== nothing)
        throw new ProtocolError(
          begun
            ? "it closed the connection in the middle of its answer"
            : "it closed the connection without an answer",
        );
    },
    hasBegun: () => begun,
    hasExcess: () => excess,
  };
}
