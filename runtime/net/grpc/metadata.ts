/** Metadata as headers: names end in `-bin` where values are bytes, which travel as base64 (PROTOCOL-HTTP2.md, "Custom-Metadata"). */
import type { IncomingHttpHeaders } from "node:http2";
import { trimEnd } from "../../shared/trim-end.ts";
import { isBinaryName } from "../../shared/binary-names.ts";

/** Bytes under names that end in `-bin`, one value or several; printable ASCII under all others. */
export type Metadata = Record<
  string,
  string | Uint8Array | readonly Uint8Array[]
>;

/** Metadata that came: Node's own headers, with Base64 under names that end in `-bin`. */
export type ReceivedMetadata = IncomingHttpHeaders;

/** As Node sends them. */
export type MetadataHeaders = Record<string, string | string[]>;

/** Throws on what no header can carry, and on names that gRPC or HTTP/2 keep for themselves. */
export function metadataHeaders(metadata: Metadata): MetadataHeaders {
  const headers = Object.create(null) as MetadataHeaders;
  for (const [name, value] of Object.entries(metadata)) {
    if (!isMetadataName(name) && name !== "grpc-status-details-bin")
      throw new Error(`${JSON.stringify(name)} is no name for metadata`);
    const isText = typeof value === "string";
    if (isBinaryName(name) === isText)
      throw new Error(`metadata ${name} must be ${isText ? "bytes" : "text"}`);
    if (isText && !isMetadataText(value))
      throw new Error(`the text of metadata ${name} is no printable ASCII`);
    headers[name] = isText
      ? value
      : value instanceof Uint8Array
        ? toBase64(value)
        : value.map(toBase64);
  }
  return headers;
}

const toBase64 = (bytes: Uint8Array) =>
  trimEnd(Buffer.from(bytes).toString("base64"), "=");

/** No name that gRPC or HTTP/2 keep for themselves. */
export const isMetadataName = (lower: string): boolean =>
  /^[0-9a-z_.-]+$/.test(lower) && !reserved.test(lower);

/** Traces are for whoever reads them. Node sends none of those that HTTP keeps for a connection. */
const reserved =
  /^(?:grpc-(?!trace-bin$)|(?:content-type|te|user-agent|host|connection|http2-settings|keep-alive|proxy-connection|transfer-encoding|upgrade)$)/;

export const isMetadataText = (value: string): boolean =>
  /^[ -~]*$/.test(value);

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
