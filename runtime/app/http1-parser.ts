/**
 * Reads answers of HTTP/1.x from bytes as they come (RFC 9112). Strict: what two
 * readers could understand differently is refused, so that nothing can hide in
 * an answer. Keeps no view of its input.
 */
import { ProtocolError } from "./http1-error.ts";
import { readHead, type ResponseHead } from "./http1-head.ts";

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
  /** Takes bytes. Throws a {@link ProtocolError}. */
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

const [cr, lf, semicolon] = [0x0d, 0x0a, 0x3b];
const endOfHead = Buffer.from("\r\n\r\n");
const start = Buffer.from("HTTP/1.");

// What is expected next. Numbers: they are compared for each piece of each answer.
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
  let lineLength = 0;

  function end() {
    state = nothing;
    events.onEnd();
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
    if (status < 200) return; // informational: the answer is still to come
    const isEmpty = isHeadRequest || status === 204 || status === 304;
    if (isEmpty) state = nothing;
    else if (isChunked) startChunk();
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
    events.onData(bytes.subarray(at, at + size));
    if (left === 0) {
      if (state === counted) end();
      else state = chunkCr;
    }
    return at + size;
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

  /** Extensions and trailers are read to find their end, no more. */
  function drop(byte: number, limit: number) {
    if (++dropped > limit)
      throw new ProtocolError("the answer's chunked coding never ends");
    if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) throw badChunk();
  }

  function takeByte(byte: number) {
    switch (state) {
      case chunkSize:
        return takeSize(byte);
      case chunkExtension:
        if (byte === cr) state = chunkSizeLf;
        else drop(byte, maxExtensionBytes);
        return;
      case chunkSizeLf:
        if (byte !== lf) throw badChunk();
        dropped = lineLength = 0;
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
        else {
          lineLength++;
          drop(byte, maxTrailerBytes);
        }
        return;
      case trailerLf:
        if (byte !== lf) throw badChunk();
        if (lineLength === 0) return end();
        lineLength = 0;
        state = trailer;
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
        } else takeByte(bytes[at++]!);
      }
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

const badChunk = () =>
  new ProtocolError("the answer's chunked coding is malformed");

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Otherwise a head with bare line feeds would be waited for without end. */
function refuseBareLineFeed(bytes: Buffer, from: number) {
  for (
    let at = bytes.indexOf(lf, from);
    at >= 0;
    at = bytes.indexOf(lf, at + 1)
  )
    if (bytes[at - 1] !== cr)
      throw new ProtocolError("a line of the answer's head ends without CR");
}
