/** Sends a reply: at once if its body is at hand, else as it comes. If the body breaks off, the connection is cut. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { ApiError } from "../../contracts/errors.ts";
import { messageOf } from "../../shared/message-of.ts";
import { free } from "../../shared/memory/spent-bytes.ts";
import { setOwn } from "../../shared/set-own.ts";
import { errorBody } from "./error-reply.ts";
import type { ApiReply } from "./request.ts";

export interface SendOptions {
  /** Whether the server is closing, asked when a stream has ended. */
  isLast(): boolean;
  /** Called once all is handed over, or the answer was cut, with the size of its body. */
  onSent?: (bytes: number) => void;
}

/** An unread body up to this size is drained, and its connection kept. */
const drainedBodyBytes = 256 * 1024;
const lingerMs = 500;

export function sendReply(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  reply: ApiReply,
  options: SendOptions,
): void {
  const { body } = reply;
  if (outgoing.destroyed) {
    if (body instanceof Readable) giveUp(body);
    options.onSent?.(0);
    return;
  }
  const isHttp1 = incoming.httpVersionMajor === 1;
  const ends = isHttp1 && !incoming.complete && isLongBody(incoming);
  if (reply.rawHeaders) writePassedHead(incoming, outgoing, reply, ends);
  else writeHead(incoming, outgoing, reply, ends);
  if (ends && !(body instanceof Readable)) lingerBeforeClose(incoming.socket);
  if (body instanceof Readable) {
    sendStream(incoming, outgoing, body, lengthOf(reply), options);
    return;
  }
  if (reply.isOwnBody && body instanceof Uint8Array) sendOwn(outgoing, body);
  else outgoing.end(body);
  options.onSent?.(body === undefined ? 0 : Buffer.byteLength(body));
}

/** The bytes of an answer that was cut are left to the garbage collector: the system may still be writing them. */
function sendOwn(outgoing: ServerResponse, body: Uint8Array) {
  outgoing.once("finish", () => free(body));
  outgoing.end(body);
}

function writeHead(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  reply: ApiReply,
  ends: boolean,
) {
  const headers: Record<string, string | number> = {};
  for (const name in reply.headers)
    if (isSendable(name, reply.headers[name]!))
      setOwn(headers, name, reply.headers[name]!);
  const { body } = reply;
  if (body !== undefined) {
    headers["content-type"] = reply.contentType ?? "application/json";
    if (!(body instanceof Readable))
      headers["content-length"] = Buffer.byteLength(body);
  } else if (reply.status !== 204) headers["content-length"] = 0;
  const { traceparent, tracestate } = incoming.headers;
  if (traceparent !== undefined) headers["traceparent"] = traceparent as string;
  if (tracestate !== undefined) headers["tracestate"] = tracestate as string;
  if (ends) headers["connection"] = "close";
  outgoing.writeHead(reply.status, headers);
}

/** The head of an answer that is passed on, with its headers as they came; a name may come twice. */
function writePassedHead(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, rawHeaders, body }: ApiReply,
  ends: boolean,
) {
  const headers: string[] = [];
  const bytes =
    body instanceof Readable || body === undefined || body.length === 0
      ? undefined
      : Buffer.byteLength(body);
  const hasBody = mayHaveBody(incoming, status);
  let hasTrace = false;
  let hasLength = false;
  for (let i = 0; i < rawHeaders!.length; i += 2) {
    const name = rawHeaders![i]!;
    const value = rawHeaders![i + 1]!;
    // Only two names matter; their lengths tell most others apart.
    if (name.length === 14 && /^content-length$/i.test(name)) {
      // The length of a body at hand is known; a 204 has none.
      if (bytes !== undefined || status === 204 || hasLength) continue;
      hasLength = true;
    } else if (name.length === 11 && /^traceparent$/i.test(name))
      hasTrace = true;
    if (isSendable(name, value)) headers.push(name, value);
  }
  if (bytes !== undefined) headers.push("content-length", `${bytes}`);
  else if (!hasLength && hasBody && !(body instanceof Readable))
    headers.push("content-length", "0");
  const { traceparent, tracestate } = incoming.headers;
  if (traceparent !== undefined && !hasTrace) {
    headers.push("traceparent", traceparent as string);
    if (tracestate !== undefined)
      headers.push("tracestate", tracestate as string);
  }
  if (ends) headers.push("connection", "close");
  if (incoming.httpVersionMajor === 1) outgoing.writeHead(status, headers);
  else outgoing.writeHead(status, byName(headers));
}

/** Whether an answer of this status may have a body, to this request. */
const mayHaveBody = (incoming: IncomingMessage, status: number) =>
  incoming.method !== "HEAD" && status !== 204 && status !== 304;

/** node:http2 takes several values of a name as a list. */
function byName(raw: string[]): Record<string, string | string[]> {
  // Without a prototype: an app may well have a header of the name "constructor".
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    const before = headers[name];
    headers[name] =
      before === undefined ? raw[i + 1]! : [before, raw[i + 1]!].flat();
  }
  return headers;
}

function lengthOf({ rawHeaders = [] }: ApiReply): number | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.toLowerCase() === "content-length")
      return Number(rawHeaders[i + 1]);
  return undefined;
}

/**
 * Passes a body on as fast as the caller takes it. If it fails, or is not as
 * long as it should be, the connection is cut: after a clean end the caller
 * would think it has all of it.
 */
function sendStream(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  body: Readable,
  length: number | undefined,
  { isLast, onSent }: SendOptions,
) {
  let bytes = 0;
  let isOver = false;
  const cut = () => {
    if (isOver) return;
    isOver = true;
    giveUp(body);
    outgoing.destroy(new Error("the answer broke off"));
    onSent?.(bytes);
  };
  if (!mayHaveBody(incoming, outgoing.statusCode)) {
    giveUp(body);
    outgoing.end();
    onSent?.(0);
    return;
  }
  // The head goes out now: the first event of a stream may be long in coming.
  if (body.readableLength === 0) outgoing.flushHeaders();
  body.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    // Bytes beyond its length would be read as the beginning of the next answer.
    if (length !== undefined && bytes > length) return cut();
    if (!outgoing.write(chunk, () => free(chunk))) body.pause();
  });
  outgoing.on("drain", () => body.resume());
  body.on("end", () => {
    if (isOver) return;
    if (length !== undefined && bytes !== length) return cut();
    isOver = true;
    if (incoming.httpVersionMajor === 1 && (isLast() || !incoming.complete))
      outgoing.once("finish", () => incoming.socket.destroySoon());
    outgoing.end();
    onSent?.(bytes);
  });
  body.on("error", cut);
  body.on("close", cut);
  outgoing.on("close", cut);
}

const giveUp = (body: Readable) => void body.on("error", () => {}).destroy();

/** A component's metadata, or an app, may have a header that HTTP can't carry; the answer goes out without it. */
const isSendable = (name: string, value: string) =>
  /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) &&
  /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

/** Sent instead of a reply that could not be written: 502 if nothing of it went out, else the connection is cut. Returns the size of its body. */
export function sendInstead(
  outgoing: ServerResponse,
  reply: ApiReply,
  error: unknown,
): number {
  if (reply.body instanceof Readable) giveUp(reply.body);
  if (outgoing.headersSent || outgoing.destroyed) {
    outgoing.destroy(new Error("the answer broke off"));
    return 0;
  }
  const told = new ApiError("unwritable", [messageOf(error)]);
  reply.status = told.status;
  const text = Buffer.from(errorBody(told));
  outgoing.writeHead(told.status, {
    "content-type": "application/json",
    "content-length": text.length,
  });
  outgoing.end(text);
  return text.length;
}

/** Whether a body that nobody read may be too long to drain. */
const isLongBody = ({ headers }: IncomingMessage) =>
  headers["transfer-encoding"] !== undefined ||
  Number(headers["content-length"] ?? 0) > drainedBodyBytes;

/**
 * Lets the answer reach a client that is still sending: closing at once, as
 * Node does, resets the connection and takes the answer with it.
 */
function lingerBeforeClose(socket: Socket) {
  socket.destroySoon = () => {
    socket.pause(); // what still comes is not needed
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clearTimeout(timer));
  };
}
