/** A call's headers, verb and path as the internal messages hold them (docs/protocol/sidecars.md), and back. */
import { judgeHead } from "../../net/answer-head.ts";
import { fromHeaderValue, toHeaderValue } from "../../shared/header-text.ts";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
  type PeerRequest,
  type RawHeaders,
} from "../../contracts/invocation.ts";
import type { InvokeRequest, InvokeResponse } from "./messages.ts";
import type { Metadata } from "./metadata.ts";
import { httpStatusOf } from "./status.ts";

/** `HTTPExtension.Verb`, by number. */
const verbs = [
  "NONE",
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "PATCH",
];

const noBytes = Buffer.alloc(0);
const protobuf = "application/x-protobuf";

/** The content type has a field of its own, beside the headers. */
function toMetadata(headers: RawHeaders): {
  metadata: Metadata;
  contentType: string;
} {
  const metadata: Metadata = new Map();
  let contentType = "";
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    const value = fromHeaderValue(headers[i + 1]!);
    if (name === "content-type") {
      contentType ||= value;
      continue;
    }
    const values = metadata.get(name);
    if (values) values.push(value);
    else metadata.set(name, [value]);
  }
  return { metadata, contentType };
}

/** Leaves out headers that HTTP can't carry or uses itself, and binary metadata of gRPC callers. */
function toHeaders(
  metadata: Metadata,
  contentType: string,
  typeUrl: string,
): RawHeaders {
  const headers: RawHeaders = [];
  for (const [key, values] of metadata) {
    const lower = key.toLowerCase();
    if (lower === "content-type" || lower === "destination-app-id") continue;
    if (lower.endsWith("-bin")) continue;
    // A gRPC caller's pseudo headers keep their meaning under another name.
    const name = lower.startsWith(":")
      ? `dapr-${lower.slice(1)}`
      : lower.startsWith("grpc-")
        ? `dapr-${lower}`
        : lower;
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) continue;
    for (const value of values) {
      const bytes = toHeaderValue(value);
      if (/^[\t\x20-\x7e\x80-\xff]*$/.test(bytes)) headers.push(name, bytes);
    }
  }
  const type = typeUrl === "" ? toHeaderValue(contentType) : protobuf;
  if (/^[\t\x20-\x7e\x80-\xff]+$/.test(type))
    headers.push("content-type", type);
  return headers;
}

/** The call without its body. Throws a {@link CallError} for a verb that the protocol has no number for. */
export function toInvokeRequest({
  appId,
  method,
  path,
  headers,
  body,
}: PeerRequest): InvokeRequest {
  const verb = verbs.indexOf(method);
  if (verb <= 0 || method === "CONNECT")
    throw new CallError(
      "invalid",
      `the method ${method} can't be passed to another sidecar over gRPC`,
      { unsent: true },
    );
  const { metadata, contentType } = toMetadata(headers);
  metadata.set("destination-app-id", [appId]);
  // From this the callee knows the length that it tells the app.
  if (body instanceof Uint8Array)
    metadata.set("content-length", [String(body.length)]);
  const mark = path.indexOf("?");
  return {
    version: 1,
    metadata,
    message: {
      method: path.slice(1, mark < 0 ? undefined : mark),
      data: noBytes,
      typeUrl: "",
      contentType,
      verb,
      query: mark < 0 ? "" : path.slice(mark + 1),
    },
  };
}

/** Throws a {@link CallError} if it is no HTTP call. */
export function toForwardRequest(
  { version, metadata, message }: InvokeRequest,
  body: ForwardRequest["body"],
  signal: AbortSignal,
): ForwardRequest {
  if (!message) throw malformed("field Message is nil");
  if (version !== 1)
    throw new CallError("invalid", `Unsupported spec version: ${version}`);
  if (message.verb === undefined)
    throw new CallError("invalid", "missing HTTP extension field");
  const method = verbs[message.verb];
  if (method === undefined || method === "NONE" || method === "CONNECT")
    throw new CallError("invalid", "invalid HTTP verb");
  return {
    method,
    path: pathOf(message.method, message.query),
    headers: toHeaders(metadata, message.contentType, message.typeUrl),
    body,
    signal,
  };
}

export const malformed = (why: string): CallError =>
  new CallError("invalid", `parsing InternalInvokeRequest error: ${why}`);

/**
 * Versions of the original differ in whether a method comes encoded. So escapes
 * in it count as escapes, and characters that no URL may have are encoded. With a
 * `?` or `#` the access rules would see another path than the app.
 */
function pathOf(method: string, query: string): string {
  // eslint-disable-next-line no-control-regex
  const bad = /[\0-\x1f\x7f#?]/.exec(method)?.[0];
  if (bad !== undefined)
    throw new CallError(
      "invalid",
      `invalid method name: it may not contain ${JSON.stringify(bad)}`,
    );
  const encoded = method.replace(
    /%(?![0-9a-fA-F]{2})|[^!$%&'()*+,\-./0-9:;=@A-Z_a-z~]+/gu,
    (char) => (char === "%" ? "%25" : encodeURIComponent(char.toWellFormed())),
  );
  return (
    (encoded.startsWith("/") ? encoded : `/${encoded}`) +
    (query === "" ? "" : `?${toHeaderValue(query)}`)
  );
}

/** The answer without its body. */
export function toInvokeResponse({
  status,
  headers,
}: ForwardReply): InvokeResponse {
  const { metadata, contentType } = toMetadata(headers);
  return {
    status: { code: status, message: "" },
    headers: metadata,
    data: noBytes,
    typeUrl: "",
    contentType,
  };
}

/** The head of an answer, and the body that represents a failed call of a gRPC app. */
export interface ReplyHead {
  status: number;
  headers: RawHeaders;
  body: Uint8Array | undefined;
}

/** Throws a ProtocolError for a status or length that HTTP does not have. */
export function toReplyHead(response: InvokeResponse): ReplyHead {
  const { code, message } = response.status!;
  if (code < 100 && code !== 0)
    return {
      status: httpStatusOf(code),
      headers: ["content-type", "application/json"],
      body: Buffer.from(JSON.stringify({ code, message })),
    };
  // 0 means success of a gRPC app, or of an app that streams events.
  const status = code || 200;
  const headers = toHeaders(
    response.headers,
    response.contentType,
    response.typeUrl,
  );
  judgeHead(status, headers);
  return { status, headers, body: undefined };
}
