/** Errors of the blocks as gRPC tells them: code and text, and details in `grpc-status-details-bin`. */
import { ApiError, type ErrorDetail } from "../../contracts/errors.ts";
import type { Metadata } from "../../net/grpc/metadata.ts";
import type { ServerCall } from "../../net/grpc/server-call.ts";
import { GrpcError } from "../../net/grpc/status.ts";
import { encodeMessage } from "../../proto/codec.ts";
import {
  BadRequest,
  ErrorInfo,
  Help,
  ResourceInfo,
} from "../../proto/gen/google/rpc/error_details.ts";
import { Status } from "../../proto/gen/google/rpc/status.ts";
import type { Any } from "../../proto/gen/google/protobuf/any.ts";
import { sendable } from "./headers.ts";
import { toMap } from "./maps.ts";

/** Ends a call with the error. Anything but an {@link ApiError} or a {@link GrpcError} is UNKNOWN, as in Go. */
export function failCall(call: ServerCall, error: unknown): void {
  if (!(error instanceof ApiError)) return call.fail(error);
  if (error.headers) call.begin(sendable(error.headers));
  const { grpcCode, grpcMessage, grpcDetails } = error;
  call.fail(
    new GrpcError(grpcCode, grpcMessage, { cause: error }),
    grpcDetails ? statusDetails(grpcCode, grpcMessage, grpcDetails) : {},
  );
}

/** As metadata: a `google.rpc.Status` repeats code and text. */
export const statusDetails = (
  code: number,
  message: string,
  details: readonly ErrorDetail[],
): Metadata => ({
  "grpc-status-details-bin": encodeMessage(Status, {
    code,
    message,
    details: details.map(toAny),
  }),
});

function toAny(detail: ErrorDetail): Any {
  const typeUrl = detail["@type"];
  return { typeUrl, value: bytesOf(detail) };
}

/** The fields are those of the detail's JSON (contracts/errors.ts). */
function bytesOf({ "@type": type, ...fields }: ErrorDetail): Buffer {
  const text = (name: string) => String(fields[name] ?? "");
  const list = (name: string) => fields[name] as Record<string, string>[];
  switch (type.slice(type.lastIndexOf(".") + 1)) {
    case "ErrorInfo":
      return encodeMessage(ErrorInfo, {
        reason: text("reason"),
        domain: text("domain"),
        metadata: toMap(fields["metadata"] as Record<string, string>),
      });
    case "ResourceInfo":
      return encodeMessage(ResourceInfo, {
        resourceType: text("resource_type"),
        resourceName: text("resource_name"),
        owner: text("owner"),
        description: text("description"),
      });
    case "BadRequest":
      return encodeMessage(BadRequest, {
        fieldViolations: list("field_violations").map(
          ({ field = "", description = "" }) => ({ field, description }),
        ),
      });
    case "Help":
      return encodeMessage(Help, {
        links: list("links").map(({ url = "", description = "" }) => ({
          url,
          description,
        })),
      });
    default:
      throw new Error(`there is no detail of an error of the type ${type}`);
  }
}
