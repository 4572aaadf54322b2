/** A call by HTTP as the app's OnInvoke gets it, and its answer as HTTP (docs/protocol/invocation.md). */
import {
  CallError,
  type ForwardReply,
  type ForwardRequest,
  type RawHeaders,
} from "../../contracts/invocation.ts";
import { httpStatusOf } from "../../net/grpc/http-answer.ts";
import { statusJson } from "../../proto/status-json.ts";
import { toHeaders } from "../../net/grpc/header-metadata.ts";
import type { ReceivedMetadata } from "../../net/grpc/metadata.ts";
import type { GrpcError } from "../../net/grpc/status.ts";
import {
  HTTPExtension_Verb,
  type InvokeRequest,
  type InvokeResponse,
} from "../../proto/gen/dapr/proto/common/v1/common.ts";
import { fromHeaderValue, toHeaderValue } from "../../shared/header-text.ts";

/** Throws a {@link CallError} for a verb that has no number. */
export function toInvokeRequest(
  { method, path, headers, typeUrl = "" }: ForwardRequest,
  body: Uint8Array,
): InvokeRequest {
  const verb = Object.entries(HTTPExtension_Verb).find(
    ([name]) => name === method,
  );
  if (!verb)
    throw new CallError(
      "invalid",
      `the method ${method} can't be passed to an app over gRPC`,
      { unsent: true },
    );
  const mark = path.indexOf("?");
  return {
    method: decoded(path.slice(1, mark < 0 ? undefined : mark)),
    data: { typeUrl, value: body },
    contentType: contentTypeOf(headers),
    httpExtension: {
      verb: verb[1],
      querystring: mark < 0 ? "" : path.slice(mark + 1),
    },
  };
}

/** Bytes that are no UTF-8 have no other spelling than that of the path. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function contentTypeOf(headers: RawHeaders): string {
  const at = headers.findIndex(
    (name, i) => i % 2 === 0 && name.toLowerCase() === "content-type",
  );
  return at < 0 ? "" : fromHeaderValue(headers[at + 1]!);
}

/** What of an answer is metadata: before the message, and behind it. */
export interface AnswerMetadata {
  head: ReceivedMetadata;
  trailers: ReceivedMetadata;
}

export function toReply(
  { data, contentType }: InvokeResponse,
  { head, trailers }: AnswerMetadata,
): ForwardReply {
  const headers = toHeaders(head);
  const type = data?.typeUrl
    ? "application/x-protobuf"
    : toHeaderValue(contentType);
  if (/^[\t\x20-\x7e\x80-\xff]+$/.test(type))
    headers.push("content-type", type);
  return {
    status: 200,
    headers,
    body: data?.value ?? new Uint8Array(0),
    grpc: {
      code: 0,
      message: "",
      trailers: toHeaders(trailers),
      ...(data?.typeUrl && { typeUrl: data.typeUrl }),
    },
  };
}

/** A call that failed is an answer too: its status and text, as HTTP has them. `unsent`: the app saw nothing of it. */
export function toErrorReply(
  { code, message, details, trailers }: GrpcError,
  head: ReceivedMetadata,
  unsent = false,
): ForwardReply {
  return {
    status: httpStatusOf(code),
    headers: [...toHeaders(head), "content-type", "application/json"],
    body: statusJson(code, message, details),
    grpc: {
      code,
      message,
      details,
      trailers: toHeaders(trailers),
      ...(unsent && { unsent }),
    },
  };
}
