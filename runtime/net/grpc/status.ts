/** Statuses of gRPC and how HTTP/2 carries them (PROTOCOL-HTTP2.md of github.com/grpc/grpc, "Responses" and "Errors"). */
import { constants, type IncomingHttpHeaders } from "node:http2";
import { grpcCode } from "../../shared/grpc-code.ts";
import { binaryValue } from "./metadata.ts";

export { grpcCode };

/** As gRPC writes it: `PERMISSION_DENIED`. */
export function nameOfCode(code: number): string {
  const found = Object.entries(grpcCode).find(([, known]) => known === code);
  return found
    ? found[0].replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
    : `status ${code}`;
}

/**
 * Who ended the call:
 * - `status`: the other side, with a status;
 * - `http`: the other side, with an answer that is no gRPC; the code is what its HTTP status stands for, or UNKNOWN;
 * - `reset`: the other side, without any status;
 * - `unreachable`: there was no connection;
 * - `refused`: the other side looked at nothing of it;
 * - `lost`: the connection broke under it;
 * - `local`: this side: a deadline, a limit.
 */
export type GrpcErrorOrigin =
  "status" | "http" | "reset" | "unreachable" | "refused" | "lost" | "local";

export interface GrpcErrorOptions {
  cause?: unknown;
  origin?: GrpcErrorOrigin;
  /** Of the answer that ended the call. */
  trailers?: IncomingHttpHeaders;
}

/** A call that ended with another status than OK. */
export class GrpcError extends Error {
  override name = "GrpcError";
  /** One of {@link grpcCode}; a stranger may send any other number. */
  readonly code: number;
  readonly origin: GrpcErrorOrigin;
  readonly trailers: IncomingHttpHeaders;

  constructor(
    code: number,
    message: string,
    { cause, origin = "local", trailers = {} }: GrpcErrorOptions = {},
  ) {
    super(message, { cause });
    this.code = code;
    this.origin = origin;
    this.trailers = trailers;
  }

  /** Nothing of the call was processed: it may be sent again. */
  get unsent(): boolean {
    return this.origin === "unreachable" || this.origin === "refused";
  }

  /** A `google.rpc.Status`, where the other side sent one. */
  get details(): Buffer | undefined {
    return binaryValue(this.trailers, "grpc-status-details-bin");
  }
}

/** What ends a call: OK is undefined. */
export function statusOf(trailers: IncomingHttpHeaders): GrpcError | undefined {
  const all = trailers["grpc-status"];
  if (all === "0") return undefined;
  const options = { origin: "status", trailers } as const;
  if (typeof all !== "string")
    return new GrpcError(
      grpcCode.unknown,
      "the answer ended without a status of gRPC",
      { ...options, origin: "reset" },
    );
  // Of several, which Node joins, the last one counts, as in grpc-go.
  const told = all.split(", ").at(-1)!;
  if (!/^\d{1,9}$/.test(told))
    return new GrpcError(
      grpcCode.unknown,
      `the answer's status is ${JSON.stringify(told.slice(0, 60))}, which is none of gRPC`,
      { ...options, origin: "http" },
    );
  if (Number(told) === grpcCode.ok) return undefined;
  const text = trailers["grpc-message"];
  return new GrpcError(
    Number(told),
    decodeText(typeof text === "string" ? text : ""),
    options,
  );
}

/** Codes for an answer without a status: http-grpc-status-mapping.md of github.com/grpc/grpc. */
const codesOfHttp = new Map<number, number>([
  [400, grpcCode.internal],
  [401, grpcCode.unauthenticated],
  [403, grpcCode.permissionDenied],
  [404, grpcCode.unimplemented],
  [429, grpcCode.unavailable],
  [502, grpcCode.unavailable],
  [503, grpcCode.unavailable],
  [504, grpcCode.unavailable],
]);

export const codeOfHttp = (status: number): number =>
  codesOfHttp.get(status) ?? grpcCode.unknown;

const codesOfReset = new Map<number, number>([
  [constants.NGHTTP2_REFUSED_STREAM, grpcCode.unavailable],
  [constants.NGHTTP2_CANCEL, grpcCode.cancelled],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, grpcCode.resourceExhausted],
  [constants.NGHTTP2_INADEQUATE_SECURITY, grpcCode.permissionDenied],
]);

/** Of a stream that was reset: PROTOCOL-HTTP2.md, "Errors". */
export const codeOfReset = (rstCode: number): number =>
  codesOfReset.get(rstCode) ?? grpcCode.internal;

/** A text for `grpc-message`: UTF-8, percent-encoded where it is no printable ASCII. */
export function encodeText(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text, "utf8"))
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return encoded;
}

/** What is no encoding stays as it is: a text that explains an error must not become one. */
export function decodeText(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  const bytes = text.replace(/%[0-9A-Fa-f]{2}/g, (escape) =>
    String.fromCharCode(parseInt(escape.slice(1), 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
