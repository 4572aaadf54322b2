/** Headers of an HTTP call as metadata of gRPC, and back (docs/protocol/invocation.md). */
import type { RawHeaders } from "../../contracts/invocation.ts";
import type { ReceivedMetadata } from "../../net/grpc/metadata.ts";
import { standardHeaders } from "../../shared/standard-headers.ts";

/**
 * Several values of one name are joined, as HTTP does it. Calls `onDropped`
 * with what metadata can't carry.
 */
export function toMetadata(
  headers: RawHeaders,
  onDropped: (name: string) => void,
): Record<string, string> {
  const metadata = Object.create(null) as Record<string, string>;
  for (let i = 0; i < headers.length; i += 2) {
    const lower = headers[i]!.toLowerCase();
    const value = headers[i + 1]!;
    if (lower === "user-agent") continue; // the client's own
    if (!/^[0-9a-z_.-]+$/.test(lower) || !/^[\x20-\x7e]*$/.test(value)) {
      onDropped(lower);
      continue;
    }
    const name = standardHeaders.has(lower) ? `dapr-${lower}` : lower;
    const before = metadata[name];
    const between = lower === "cookie" ? "; " : ", ";
    metadata[name] =
      before === undefined ? value : `${before}${between}${value}`;
  }
  return metadata;
}

/** What gRPC itself says in an answer's head, and the length of what it wraps. */
const ofGrpc = new Set([
  "content-type",
  "content-length",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
]);

/** Bytes (`…-bin`) are left out: no header can carry them. */
export function toHeaders(metadata: ReceivedMetadata): RawHeaders {
  const headers: RawHeaders = [];
  for (const [name, value] of Object.entries(metadata)) {
    if (name.startsWith(":") || name.endsWith("-bin") || ofGrpc.has(name))
      continue;
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) headers.push(name, one);
  }
  return headers;
}
