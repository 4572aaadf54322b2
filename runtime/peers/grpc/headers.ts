/** A call's headers, verb and path as the internal messages hold them (docs/protocol/sidecars.md), and back. */
import { pathWithQuery } from "../../contracts/method-path.ts";
import { judgeHead } from "../../net/answer-head.ts";
import { base64Error, padded } from "../../net/grpc/base64.ts";
import { isBinaryName } from "../../shared/binary-names.ts";
import { fromHeaderValue, toHeaderValue } from "../../shared/header-text.ts";
import { messageOf } from "../../shared/message-of.ts";
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
  type GrpcEnd,
  type PeerRequest,
  type RawHeaders,
} from "../../contracts/invocation.ts";
import type { HTTPExtension_Verb } from "../../proto/gen/dapr/proto/common/v1/common.ts";
import {
  APIVersion,
  Status,
  type InternalInvokeRequest,
  type InternalInvokeResponse,
  type ListStringValue,
} from "../../proto/gen/dapr/proto/internals/v1/service_invocation.ts";
import { httpStatusOf } from "../../net/grpc/http-answer.ts";
import { statusJson } from "../../proto/status-json.ts";
import { decodeMessage, encodeMessage } from "../../proto/codec.ts";

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

const protobuf = "application/x-protobuf";

/** Names as they came, each with its values. */
type Metadata = Map<string, ListStringValue>;

/**
 * `Content-Length`, as the original writes HTTP's own headers. It knows them by this spelling only, and would pass others
 * on to a gRPC app or caller, whose connection a `content-length` breaks. It knows bytes by a `-bin` in lower case.
 */
const goName = (lower: string): string =>
  isBinaryName(lower)
    ? lower
    : lower.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());

/**
 * The content type has a field of its own. The original has it among HTTP's headers as well, from where callers and apps by
 * gRPC get `dapr-content-type`.
 */
function toMetadata(
  headers: RawHeaders,
  { ofHttp }: { ofHttp: boolean },
): { metadata: Metadata; contentType: string } {
  const metadata: Metadata = new Map();
  let contentType = "";
  for (let i = 0; i < headers.length; i += 2) {
    const lower = headers[i]!.toLowerCase();
    const value = isBinaryName(lower)
      ? padded(headers[i + 1]!)
      : fromHeaderValue(headers[i + 1]!);
    if (lower === "content-type") {
      const isFirst = contentType === "";
      contentType ||= value;
      if (!ofHttp || !isFirst) continue;
    }
    const name = ofHttp ? goName(lower) : lower;
    const known = metadata.get(name);
    if (known) known.values.push(value);
    else metadata.set(name, { values: [value] });
  }
  return { metadata, contentType };
}

/** Leaves out headers that HTTP can't carry or uses itself, and bytes that are no Base64. */
function toHeaders(
  metadata: Metadata,
  contentType: string,
  typeUrl: string,
): RawHeaders {
  const headers: RawHeaders = [];
  for (const [key, { values }] of metadata) {
    const lower = key.toLowerCase();
    if (lower === "content-type" || lower === "destination-app-id") continue;
    // A gRPC caller's pseudo headers keep their meaning under another name.
    const name = lower.startsWith(":")
      ? `dapr-${lower.slice(1)}`
      : lower.startsWith("grpc-") && lower !== "grpc-trace-bin"
        ? `dapr-${lower}`
        : lower;
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) continue;
    for (const value of values) {
      if (isBinaryName(name) && base64Error(value)) continue;
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
  typeUrl,
  body,
}: PeerRequest): InternalInvokeRequest {
  const verb = verbs.indexOf(method);
  if (verb < 0 || method === "CONNECT")
    throw new CallError(
      "invalid",
      `the method ${method} can't be passed to another sidecar over gRPC`,
      { unsent: true },
    );
  const { metadata, contentType } = toMetadata(headers, { ofHttp: true });
  metadata.set("destination-app-id", { values: [appId] });
  // From this the callee knows the length that it tells the app.
  if (body instanceof Uint8Array)
    metadata.set("Content-Length", { values: [String(body.length)] });
  const mark = path.indexOf("?");
  return {
    ver: APIVersion.V1,
    metadata,
    message: {
      method: path.slice(1, mark < 0 ? undefined : mark),
      data: typeUrl ? { typeUrl, value: new Uint8Array(0) } : undefined,
      contentType,
      httpExtension: {
        verb: verb as HTTPExtension_Verb,
        querystring: mark < 0 ? "" : path.slice(mark + 1),
      },
    },
    actor: undefined,
  };
}

/** A call without a verb is one for a gRPC app, and has the method `NONE`. Throws a {@link CallError} if it is none for an app. */
export function toForwardRequest(
  { ver, metadata, message }: InternalInvokeRequest,
  body: ForwardRequest["body"],
  signal: AbortSignal,
): ForwardRequest {
  if (!message) throw malformed("field Message is nil");
  if (ver !== APIVersion.V1)
    throw new CallError("invalid", `Unsupported spec version: ${ver}`);
  const { verb = 0, querystring = "" } = message.httpExtension ?? {};
  const method = verbs[verb];
  if (method === undefined || method === "CONNECT")
    throw new CallError("invalid", "invalid HTTP verb");
  return {
    method,
    path: pathOf(message.method, querystring),
    headers: toHeaders(
      metadata,
      message.contentType,
      message.data?.typeUrl ?? "",
    ),
    body,
    ...(message.data?.typeUrl && { typeUrl: message.data.typeUrl }),
    signal,
  };
}

export const malformed = (why: string): CallError =>
  new CallError("invalid", `parsing InternalInvokeRequest error: ${why}`);

function pathOf(method: string, query: string): string {
  try {
    return pathWithQuery(method, query);
  } catch (error) {
    throw new CallError("invalid", messageOf(error), { cause: error });
  }
}

/** The answer without its body. */
export function toInvokeResponse({
  status,
  headers,
  grpc,
}: ForwardReply): InternalInvokeResponse {
  // What a gRPC app calls `date` is no header of HTTP.
  const { metadata, contentType } = toMetadata(headers, { ofHttp: !grpc });
  return {
    status: grpc
      ? { code: grpc.code, message: grpc.message, details: detailsOf(grpc) }
      : { code: status, message: "", details: [] },
    headers: metadata,
    trailers: grpc
      ? toMetadata(grpc.trailers, { ofHttp: false }).metadata
      : new Map(),
    message: {
      data: grpc?.typeUrl
        ? { typeUrl: grpc.typeUrl, value: new Uint8Array(0) }
        : undefined,
      contentType,
    },
  };
}

/** The app's own `google.rpc.Status`, of which Dapr's is a copy. What can't be read is left out. */
function detailsOf({ details }: GrpcEnd): Status["details"] {
  if (!details) return [];
  try {
    return decodeMessage(Status, details).details;
  } catch {
    return [];
  }
}

/** The head of an answer, and the body that represents a failed call of a gRPC app. */
export interface ReplyHead {
  status: number;
  headers: RawHeaders;
  body: Uint8Array | undefined;
  grpc?: GrpcEnd;
}

/** The body is another one. */
const withoutLength = (headers: RawHeaders): RawHeaders =>
  headers.filter((_, i) => headers[i - (i % 2)] !== "content-length");

/** Throws a ProtocolError for a status or length that HTTP does not have. */
export function toReplyHead(response: InternalInvokeResponse): ReplyHead {
  const { code, message, details } = response.status!;
  const typeUrl = response.message?.data?.typeUrl ?? "";
  const headers = toHeaders(
    response.headers,
    response.message?.contentType ?? "",
    typeUrl,
  );
  if (code >= 100) {
    judgeHead(code, headers);
    return { status: code, headers, body: undefined };
  }
  // Success of a gRPC app, or of an app that streams events, is 0.
  const status = httpStatusOf(code);
  judgeHead(status, headers);
  const trailers = toHeaders(response.trailers, "", "");
  if (code === 0)
    return {
      status,
      headers,
      body: undefined,
      grpc: { code, message, trailers, ...(typeUrl && { typeUrl }) },
    };
  const told =
    details.length > 0
      ? encodeMessage(Status, { code, message, details })
      : undefined;
  return {
    status,
    headers: [...withoutLength(headers), "content-type", "application/json"],
    body: statusJson(code, message, told),
    grpc: { code, message, trailers, ...(told && { details: told }) },
  };
}
