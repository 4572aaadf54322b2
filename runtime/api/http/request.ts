/** What handlers see of HTTP: a request as data, a reply as data. Only server.ts and its parts know sockets. */
import type { Readable } from "node:stream";
import type { Call } from "../../contracts/call.ts";
import type { Remote } from "../../net/own-sockets.ts";

export interface ApiRequest extends Call {
  readonly door: "http";
  method: string;
  /** Path without query: percent-encoding as received, dots and double slashes resolved. */
  path: string;
  /** Text after `?`, without it. */
  query: string;
  /** The pattern of its route; undefined for a call of an app. */
  route: string | undefined;
  /** Path parameters, unescaped. */
  params: Record<string, string>;
  headers: Record<string, string | string[] | undefined>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: string[];
  /** Who is at the other end. */
  remote: Remote;
  /** Reads the whole body; rejects with {@link BodyError} when it is too large or breaks off. */
  body(): Promise<Buffer>;
  /**
   * The body for being passed on, of any size: undefined when there is none,
   * bytes when it is short and its length is told, else a stream.
   */
  passedBody(): undefined | Readable | Promise<Uint8Array>;
}

export interface ApiReply {
  status: number;
  /** Default `application/json` when there is a body. */
  contentType?: string;
  headers?: Record<string, string>;
  /** Instead of `headers` and `contentType`: those of an answer that is passed on, names and values in turn. */
  rawHeaders?: string[];
  /** A stream goes out as it comes; if it fails, the connection is cut. */
  body?: string | Uint8Array | Readable;
  /** Nobody else holds the bytes of the body: once sent they are freed. */
  isOwnBody?: boolean;
  /** Of an error: its code. */
  errorCode?: string;
}

export type Handler = (request: ApiRequest) => ApiReply | Promise<ApiReply>;

/** With undefined it declines: the request is then answered as one without a route. */
export type RouteHandler = (
  request: ApiRequest,
) => ApiReply | undefined | Promise<ApiReply | undefined>;

/** Method, path pattern (`:name` is one segment, `*rest` the remainder), handler. */
export type Route = readonly [
  method: string,
  pattern: string,
  handler: RouteHandler,
];

/** The body could not be read; the message is the original's. */
export class BodyError extends Error {
  override name = "BodyError";
}

/** One header's value; several of one name are joined, as Node does. */
export function header(request: ApiRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
