/** Metadata of gRPC as headers of a call, and back (docs/protocol/invocation.md). Bytes are Base64 in headers. */
import type { RawHeaders } from "../../contracts/invocation.ts";
import { isBinaryName } from "../../shared/binary-names.ts";
import { standardHeaders } from "../../shared/standard-headers.ts";
import { base64Error, padded } from "./base64.ts";
import {
  isMetadataName,
  isMetadataText,
  type Metadata,
  type ReceivedMetadata,
} from "./metadata.ts";

/** What gRPC says of one connection, of one call, or of the messages that it wraps. */
const ofGrpc = new Set([
  "content-type",
  "content-length",
  "te",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-message-type",
  "grpc-status",
  "grpc-status-details-bin",
  "grpc-timeout",
]);

/** Of HTTP/2's own names `:authority` stays, as `dapr-authority`. */
export function toHeaders(metadata: ReceivedMetadata): RawHeaders {
  const headers: RawHeaders = [];
  for (const [name, value] of Object.entries(metadata)) {
    if (value === undefined || ofGrpc.has(name)) continue;
    if (name.startsWith(":")) {
      if (name === ":authority") headers.push("dapr-authority", String(value));
      continue;
    }
    for (const one of Array.isArray(value) ? value : [value])
      if (isBinaryName(name)) headers.push(...apart(name, one));
      else headers.push(name, one);
  }
  return headers;
}

/** Values of bytes, one in each header: Node joins them, and callers may. */
const apart = (name: string, joined: string): RawHeaders =>
  joined.split(",").flatMap((one) => [name, padded(one.trim())]);

export interface ToMetadataOptions {
  /** HTTP's own headers keep their names instead of being called `dapr-…`. */
  keepsNames?: boolean;
  /** Called with what metadata can't carry. */
  onDropped?(name: string): void;
}

/** Several values of one name are joined, as HTTP does it; bytes stay apart. */
export function toMetadata(
  headers: RawHeaders,
  { keepsNames = false, onDropped }: ToMetadataOptions = {},
): Metadata {
  const metadata = Object.create(null) as Metadata;
  for (let i = 0; i < headers.length; i += 2) {
    const lower = headers[i]!.toLowerCase();
    const value = headers[i + 1]!;
    if (lower === "user-agent") continue; // each end tells its own
    const name = !keepsNames && ofHttp.has(lower) ? `dapr-${lower}` : lower;
    const before = metadata[name];
    if (isBinaryName(name)) {
      const bytes = base64Error(value)
        ? undefined
        : Buffer.from(value, "base64");
      if (bytes && isMetadataName(name))
        metadata[name] = [...((before as Buffer[]) ?? []), bytes];
      else onDropped?.(lower);
    } else if (isMetadataName(name) && isMetadataText(value)) {
      const between = lower === "cookie" ? "; " : ", ";
      metadata[name] =
        before === undefined ? value : `${before as string}${between}${value}`;
    } else onDropped?.(lower);
  }
  return metadata;
}

/** In an answer of gRPC these would mean something else, or nothing; the last two belong to a request. */
const ofHttp = new Set([...standardHeaders, "expect", "host"]);
