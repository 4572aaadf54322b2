/** InvokeService (docs/protocol/invocation.md). */
import type { Invocation } from "../../blocks/invocation/invocation.ts";
import { ApiError, errorInfo } from "../../contracts/errors.ts";
import type { ForwardReply, RawHeaders } from "../../contracts/invocation.ts";
import { pathWithQuery } from "../../contracts/method-path.ts";
import { toHeaders, toMetadata } from "../../net/grpc/header-metadata.ts";
import type { Metadata } from "../../net/grpc/metadata.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import { GrpcError, grpcCode } from "../../net/grpc/status.ts";
import { statusText } from "../../net/status-text.ts";
import {
  HTTPExtension_Verb,
  InvokeResponse,
  type InvokeRequest,
} from "../../proto/gen/dapr/proto/common/v1/common.ts";
import { InvokeServiceRequest } from "../../proto/gen/dapr/proto/runtime/v1/dapr.ts";
import { messageOf } from "../../shared/message-of.ts";
import { toHeaderValue } from "../../shared/header-text.ts";
import { wholeBody } from "../../shared/whole-body.ts";
import { statusDetails } from "./errors.ts";
import { kept, unary, type Methods } from "./method.ts";

export const invokeMethods = (
  invocation: Pick<Invocation, "invoke">,
  maxBodyBytes: number,
): Methods => ({
  InvokeService: unary(
    InvokeServiceRequest,
    InvokeResponse,
    async ({ id, message }, call, server) => {
      const request = toRequest(id, message, server.metadata);
      const reply = await invocation.invoke(id, request, call);
      const value = await wholeBody(reply.body, maxBodyBytes, () =>
        tooLarge(maxBodyBytes),
      );
      server.begin(replyHeaders(reply));
      if (!endsWell(reply, value, server)) return nothing;
      const contentType = valueOf(reply.headers, "content-type") ?? "";
      const typeUrl = reply.grpc?.typeUrl ?? "";
      const isEmpty = typeUrl === "" && value.length === 0;
      return { data: isEmpty ? undefined : { typeUrl, value }, contentType };
    },
  ),
});

/** Of a call that has been failed. */
const nothing: InvokeResponse = { data: undefined, contentType: "" };

const verbs = new Map<number, string>(
  Object.entries(HTTPExtension_Verb).map(([name, number]) => [number, name]),
);

function toRequest(
  id: string,
  message: InvokeRequest | undefined,
  metadata: ServerCall["metadata"],
) {
  const refuse = (why: string) => new ApiError("directInvoke", [id, why]);
  if (id === "") throw refuse("app id is empty");
  if (!message) throw refuse("the request has no message");
  const { method, data, contentType, httpExtension } = message;
  const verb = verbs.get(httpExtension?.verb ?? 0);
  if (verb === undefined || verb === "CONNECT")
    throw refuse("invalid HTTP verb");
  let path: string;
  try {
    path = pathWithQuery(method, httpExtension?.querystring);
  } catch (error) {
    throw refuse(messageOf(error));
  }
  const body = kept(data?.value ?? new Uint8Array(0));
  const headers = toHeaders(metadata);
  const type = data?.typeUrl ? "application/x-protobuf" : contentType;
  if (type !== "") headers.push("content-type", toHeaderValue(type));
  if (body.length > 0 || verb === "POST" || verb === "PUT" || verb === "PATCH")
    headers.push("content-length", String(body.length));
  return {
    method: verb,
    path,
    headers,
    body: body.length > 0 ? body : undefined,
    ...(data?.typeUrl && { typeUrl: data.typeUrl }),
  };
}

const tooLarge = (maxBytes: number) =>
  new GrpcError(
    grpcCode.resourceExhausted,
    `the app's answer is larger than ${maxBytes} bytes`,
  );

function replyHeaders({ status, headers, grpc }: ForwardReply): Metadata {
  // Of the message itself; other names mean for gRPC what they say.
  if (grpc)
    return toMetadata(without(headers, ofMessage), { keepsNames: true });
  return { ...toMetadata(headers), "dapr-http-status": String(status) };
}

const ofMessage = new Set(["content-type", "content-length"]);

function without(headers: RawHeaders, names: ReadonlySet<string>): RawHeaders {
  const isKept = (i: number) => !names.has(headers[i - (i % 2)]!.toLowerCase());
  return headers.filter((_, i) => isKept(i));
}

/** Fails the call when the app's answer is no success. */
function endsWell(
  { status, grpc }: ForwardReply,
  body: Uint8Array,
  call: ServerCall,
): boolean {
  if (grpc) {
    const trailers = toMetadata(grpc.trailers, { keepsNames: true });
    if (grpc.code === grpcCode.ok) {
      call.addTrailers(trailers);
      return true;
    }
    const { code, message, details } = grpc;
    call.fail(new GrpcError(code, message), {
      ...trailers,
      ...(details && { "grpc-status-details-bin": details }),
    });
    return false;
  }
  if (status >= 200 && status < 300) return true;
  const code = codes.get(status) ?? grpcCode.unknown;
  const text = statusText(status);
  const info = errorInfo(text, {
    "http.code": String(status),
    "http.error_message": Buffer.from(
      body.subarray(0, maxDetailBytes),
    ).toString("utf8"),
  });
  call.fail(new GrpcError(code, text), statusDetails(code, text, [info]));
  return false;
}

/** Values of an ErrorInfo are short. */
const maxDetailBytes = 63;

/** As the original maps statuses of apps. */
const codes = new Map<number, number>([
  [400, grpcCode.internal],
  [401, grpcCode.unauthenticated],
  [403, grpcCode.permissionDenied],
  [404, grpcCode.notFound],
  [408, grpcCode.cancelled],
  [409, grpcCode.alreadyExists],
  [429, grpcCode.resourceExhausted],
  [500, grpcCode.unknown],
  [501, grpcCode.unimplemented],
  [503, grpcCode.unavailable],
  [504, grpcCode.deadlineExceeded],
]);

function valueOf(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === name) return headers[i + 1];
  return undefined;
}
