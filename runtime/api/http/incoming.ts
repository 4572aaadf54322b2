/** A request of the HTTP server as the handlers see it. Nothing is made before it is asked for. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { Readable } from "node:stream";
import type { Remote } from "../../net/own-sockets.ts";
import { wholeBody, type Refusal } from "../../shared/whole-body.ts";
import { BodyError, type ApiRequest } from "./request.ts";
import { cleanPath } from "./router.ts";

/** A body of known length up to this is passed on as bytes: a failed call may then be sent again. */
const passedBytes = 64 * 1024;

export function createRequest(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  remote: Remote,
  maxBodyBytes: number,
): ApiRequest {
  return new IncomingRequest(incoming, outgoing, remote, maxBodyBytes);
}

class IncomingRequest implements ApiRequest {
  readonly door = "http";
  readonly method: string;
  readonly path: string;
  readonly query: string;
  route: string | undefined;
  params: Record<string, string> = {};
  readonly remote: Remote;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #maxBodyBytes: number;
  #gone: AbortController | undefined;

  constructor(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    remote: Remote,
    maxBodyBytes: number,
  ) {
    const url = incoming.url!;
    const mark = url.indexOf("?");
    let target = mark < 0 ? url : url.slice(0, mark);
    if (!target.startsWith("/")) {
      // Of an absolute-form target (as sent to a proxy) the path counts, and its
      // authority replaces `Host` (RFC 9112 §3.2.2).
      const absolute = /^https?:\/\/(?:[^/@]*@)*([^/]*)/i.exec(target);
      if (absolute) target = target.slice(absolute[0].length);
      if (absolute?.[1]) incoming.headers.host = absolute[1];
    }
    this.method = incoming.method!;
    this.path = cleanPath(target || "/");
    this.query = mark < 0 ? "" : url.slice(mark + 1);
    this.remote = remote;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#maxBodyBytes = maxBodyBytes;
  }

  get headers() {
    return this.#incoming.headers;
  }

  get rawHeaders() {
    return this.#incoming.rawHeaders;
  }

  body() {
    return readBody(this.#incoming, this.#maxBodyBytes);
  }

  passedBody(): undefined | Readable | Promise<Uint8Array> {
    const length = this.#incoming.headers["content-length"];
    if (length !== undefined && Number(length) <= passedBytes)
      return readBody(this.#incoming, passedBytes);
    if (length === undefined && hasNoBody(this.#incoming)) return undefined;
    return this.#incoming;
  }

  signal() {
    if (!this.#gone) {
      const gone = (this.#gone = new AbortController());
      const outgoing = this.#outgoing;
      const { socket } = this.#incoming;
      // As in the original, a caller that closes its side is taken not to wait for the app's answer.
      const leave = () => gone.abort(new Error("the caller went away"));
      const isHttp1 = this.#incoming.httpVersionMajor === 1;
      if (outgoing.destroyed || (isHttp1 && socket.readableEnded)) leave();
      if (isHttp1) socket.once("end", leave);
      outgoing.once("close", () => {
        if (isHttp1) socket.off("end", leave);
        if (!outgoing.writableFinished) leave();
      });
    }
    return this.#gone.signal;
  }
}

function hasNoBody(incoming: IncomingMessage): boolean {
  if (incoming.httpVersionMajor === 1)
    return incoming.headers["transfer-encoding"] === undefined;
  const { stream } = incoming as unknown as Http2ServerRequest;
  return stream.endAfterHeaders;
}

function readBody(incoming: IncomingMessage, maxBytes: number) {
  if (Number(incoming.headers["content-length"]) > maxBytes) {
    incoming.pause();
    return Promise.reject<Buffer>(tooLarge());
  }
  return wholeBody(incoming, maxBytes, tooLarge, stillAnswered);
}

const tooLarge = () => new BodyError("stream too large");
const stillAnswered: Refusal = {
  rest: "paused",
  broken: () => new BodyError("unexpected EOF"),
};
