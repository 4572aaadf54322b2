/** Calls of sidecars of this kind (protocol.ts), handled by node:http. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { messageOf } from "../../shared/message-of.ts";
import { free } from "../../shared/memory/spent-bytes.ts";
import { wholeBody } from "../../shared/whole-body.ts";
import {
  CallError,
  type Forward,
  type ForwardReply,
  type ForwardRequest,
  type RawHeaders,
} from "../../contracts/invocation.ts";
import { leaving } from "../failures.ts";
import {
  answerMark,
  directVersion,
  errorMark,
  peerHeader,
  peerHost,
  readRequestMark,
  statusOfError,
  statusOfOtherVersion,
} from "./protocol.ts";

/** A body up to this size is read first, and passed on in one piece. */
const collectedBytes = 64 * 1024;
const tooLarge = () => new Error("it is longer than its Content-Length");

/** What a connection ends with: the answer to a call that is on its way and will not be read. */
export const lastAnswer = (): Uint8Array => {
  const error = leaving();
  const text = error.message;
  return Buffer.from(
    `HTTP/1.1 ${statusOfError} Bad Gateway\r\n${peerHeader}: ${errorMark(error)}\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
  );
};

/** The handler for `createServer`. Once the server is closing, no call is taken and each answer is the last of its connection. */
export function directHandler(receive: Forward, isClosing: () => boolean) {
  return (incoming: IncomingMessage, outgoing: ServerResponse) => {
    outgoing.sendDate = false; // the app's own date goes out, if any
    const { rawHeaders } = incoming;
    // A sidecar sends both first; a web page can set neither.
    if (
      rawHeaders[1] !== peerHost ||
      rawHeaders[2]?.toLowerCase() !== peerHeader
    )
      return refuse(outgoing, 403, "this port is for other sidecars\n");
    const facts = readRequestMark(rawHeaders[3]);
    if (!facts)
      return refuse(
        outgoing,
        statusOfOtherVersion,
        `this sidecar speaks version ${directVersion}\n`,
      );
    if (isClosing()) {
      outgoing.shouldKeepAlive = false;
      // Answered after the body was read: if the connection closes before, the answer may be lost.
      incoming.on("end", () => answerError(outgoing, leaving()));
      return incoming.resume();
    }
    const gone = new AbortController();
    outgoing.on("close", () => {
      if (!outgoing.writableFinished)
        gone.abort(new Error("the caller went away"));
    });
    const pass = (body: ForwardRequest["body"]) =>
      receive({
        method: facts.hasNoVerb ? "NONE" : incoming.method!,
        path: incoming.url!,
        headers: rawHeaders.slice(4),
        ...(facts.typeUrl !== undefined && { typeUrl: facts.typeUrl }),
        body,
        signal: gone.signal,
      }).then(
        (reply) => {
          if (isClosing()) outgoing.shouldKeepAlive = false;
          answer(outgoing, reply);
        },
        (error: unknown) => {
          if (isClosing()) outgoing.shouldKeepAlive = false;
          answerError(outgoing, error);
        },
      );
    const length = incoming.headers["content-length"];
    const isChunked = incoming.headers["transfer-encoding"] !== undefined;
    if (isChunked || Number(length) > collectedBytes) void pass(incoming);
    else if (length === undefined || length === "0") void pass(undefined);
    // If the body breaks off, nobody is left to be answered.
    else wholeBody(incoming, collectedBytes, tooLarge).then(pass, () => {});
  };
}

function refuse(outgoing: ServerResponse, status: number, text: string) {
  outgoing.shouldKeepAlive = false;
  outgoing.writeHead(status, [
    "content-type",
    "text/plain; charset=utf-8",
    "content-length",
    String(text.length),
  ]);
  outgoing.end(text);
}

function answerError(outgoing: ServerResponse, error: unknown) {
  if (outgoing.destroyed || outgoing.headersSent) return outgoing.destroy();
  const text = Buffer.from(messageOf(error));
  const told =
    error instanceof CallError ? error : new CallError("internal", "");
  outgoing.writeHead(statusOfError, [
    peerHeader,
    errorMark(told),
    "content-length",
    String(text.length),
  ]);
  outgoing.end(text);
}

function answer(outgoing: ServerResponse, reply: ForwardReply) {
  const { status, body } = reply;
  const isStream = body instanceof Readable;
  if (outgoing.destroyed) {
    if (isStream) body.destroy();
    return;
  }
  try {
    outgoing.writeHead(
      status,
      isCounted(outgoing, status, body) ? counted(reply, body) : marked(reply),
    );
  } catch (error) {
    if (isStream) body.destroy();
    return answerError(outgoing, error);
  }
  if (!isStream) return void outgoing.end(body);
  outgoing.flushHeaders(); // events come one by one, and the first may be late
  body.on("data", (chunk: Uint8Array) => {
    if (!outgoing.write(chunk, () => free(chunk))) body.pause();
  });
  outgoing.on("drain", () => body.resume());
  body.on("end", () => outgoing.end());
  // Cut, as a clean end would look like the whole body.
  body.on("error", () => outgoing.destroy());
  body.on("close", () => {
    if (!outgoing.writableEnded) outgoing.destroy();
  });
  outgoing.on("close", () => body.destroy());
}

/** A stream has the app's length or goes in chunks. An answer that may have no body tells the app's length, or none. */
const isCounted = (
  outgoing: ServerResponse,
  status: number,
  body: ForwardReply["body"],
): body is Uint8Array =>
  body instanceof Uint8Array &&
  outgoing.req.method !== "HEAD" &&
  status !== 204 &&
  status !== 304;

const marked = (reply: ForwardReply): RawHeaders => [
  peerHeader,
  answerMark(reply),
  ...reply.headers,
];

/** The headers behind the mark, with the length of a body at hand if the app told none. */
function counted(reply: ForwardReply, body: Uint8Array): RawHeaders {
  const { headers } = reply;
  const sent = marked(reply);
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.length === 14 && /^content-length$/i.test(headers[i]!))
      return sent;
  sent.push("content-length", String(body.length));
  return sent;
}
