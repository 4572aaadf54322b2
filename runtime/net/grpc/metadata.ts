/** Metadata as headers: names end in `-bin` where values are bytes, which travel as base64 (PROTOCOL-HTTP2.md, "Custom-Metadata"). */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import { trimEnd } from "../../shared/trim-end.ts";

/** Bytes under names that end in `-bin`, printable ASCII under all others. */
export type Metadata = Record<string, string | Uint8Array>;

/** Metadata that came: Node's own headers, with Base64 under names that end in `-bin`. */
export type ReceivedMetadata = IncomingHttpHeaders;

/** Throws on what no header can carry, and on names that gRPC or HTTP/2 keep for themselves. */
export function metadataHeaders(metadata: Metadata): OutgoingHttpHeaders {
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[0-9a-z_.-]+$/.test(name) || reserved.test(name))
      throw new Error(`${JSON.stringify(name)} is no name for metadata`);
    if (name.endsWith("-bin") !== (typeof value !== "string"))
      throw new Error(
        `metadata ${name} must be ${name.endsWith("-bin") ? "bytes" : "text"}`,
      );
    if (typeof value === "string" && !/^[ -~]*$/.test(value))
      throw new Error(`the text of metadata ${name} is no printable ASCII`);
    headers[name] =
      typeof value === "string"
        ? value
        : trimEnd(Buffer.from(value).toString("base64"), "=");
  }
  return headers;
}

const reserved =
  /^(grpc-(?!status-details-bin$)|(content-type|te|user-agent|connection|host)$)/;

/** The first value; undefined when there is none. Base64 may come with padding or without. */
export function binaryValue(
  headers: IncomingHttpHeaders,
  name: `${string}-bin`,
): Buffer | undefined {
  const value = headers[name];
  // Node joins values of one name with ", ".
  const first = Array.isArray(value) ? value[0] : value?.split(",", 1)[0];
  return first === undefined ? undefined : Buffer.from(first, "base64");
}
