/** What handlers see of HTTP: a request as data, a reply as data. Only server.ts knows sockets. */
export interface ApiRequest {
  method: string;
  /** Path without query: percent-encoding as received, dots and double slashes resolved. */
  path: string;
  /** Text after `?`, without it. */
  query: string;
  /** Path parameters, unescaped. */
  params: Record<string, string>;
  headers: Record<string, string | string[] | undefined>;
  remoteAddress: string;
  /** Reads the whole body; rejects with {@link BodyError} when it is too large or breaks off. */
  body(): Promise<Buffer>;
}

export interface ApiReply {
  status: number;
  /** Default `application/json` when there is a body. */
  contentType?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

export type Handler = (request: ApiRequest) => ApiReply | Promise<ApiReply>;

/** Method, path pattern (`:name` is one segment, `*rest` the remainder), handler. */
export type Route = readonly [
  method: string,
  pattern: string,
  handler: Handler,
];

/** The body could not be read; the text is what the original says. */
export class BodyError extends Error {
  override name = "BodyError";
}

/** One header's value; several of one name are joined, as Node does. */
export function header(request: ApiRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
