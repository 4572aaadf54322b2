/**
 * What gRPC itself holds against a request, before anybody asks for its method. HTTP statuses, codes and texts are those
 * of `grpc/grpc-go:internal/transport/http2_server.go`, which the original's sidecars are built with.
 */
import type { IncomingHttpHeaders } from "node:http2";
import { base64Error } from "./base64.ts";
import { isGrpc } from "./messages.ts";
import { grpcCode } from "./status.ts";
import { timeoutError } from "./timeout.ts";

export interface Refusal {
  /** Callers that know nothing of gRPC understand this one. */
  httpStatus: number;
  code: number;
  text: string;
}

/** `raw` are names and values in turn; Node joins those of one name in `headers`. */
export function refusalOf(
  headers: IncomingHttpHeaders,
  raw: readonly string[],
): Refusal | undefined {
  const type = headers["content-type"] ?? "";
  if (!isGrpc(type))
    return {
      httpStatus: 415,
      code: grpcCode.invalidArgument,
      text: `invalid gRPC request content-type ${quoted(type)}`,
    };
  const malformed = malformedMetadata(raw);
  if (malformed)
    return { httpStatus: 400, code: grpcCode.internal, text: malformed };
  const method = headers[":method"] ?? "";
  if (method !== "POST")
    return {
      httpStatus: 405,
      code: grpcCode.internal,
      text: `Received a HEADERS frame with :method ${quoted(method)} which should be POST`,
    };
  const path = headers[":path"] ?? "";
  if (!path.includes("/", 1))
    return {
      httpStatus: 200,
      code: grpcCode.unimplemented,
      text: `malformed method name: ${quoted(path)}`,
    };
  return undefined;
}

function malformedMetadata(raw: readonly string[]): string | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    if (name === "grpc-timeout") {
      const why = timeoutError(value);
      if (why) return `malformed grpc-timeout: ${why}`;
    } else if (name.endsWith("-bin")) {
      // Several values may share a header (PROTOCOL-HTTP2.md, "Custom-Metadata"); grpc-go takes one only.
      for (const one of value.split(",")) {
        const why = base64Error(one.trim());
        if (why)
          return `malformed binary metadata ${quoted(value)} in header ${quoted(name)}: ${why}`;
      }
    }
  }
  return undefined;
}

const quoted = (text: string) => JSON.stringify(text.slice(0, 200));
