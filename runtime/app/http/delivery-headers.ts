/**
 * A message's metadata as headers of the app's request (docs/protocol/app.md):
 * names lower-cased, hop-by-hop headers and the length dropped,
 * `grpc-*` prefixed. A header that HTTP can't carry is dropped, never the
 * message. Its own content type reaches the app; without one the bytes decide.
 */
import { contentTypeOf } from "../../shared/content-type.ts";
import { hopByHop } from "../../shared/hop-by-hop.ts";
import { setOwn } from "../../shared/set-own.ts";

const dropped = new Set([
  ...hopByHop,
  "content-length",
  "dapr-api-token",
  "destination-app-id",
]);
const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const illegalValue = /[^\t\x20-\x7e]/;

export function deliveryHeaders(
  metadata: Record<string, string>,
  data: Uint8Array,
  onDropped: (name: string) => void,
): Record<string, string> {
  // Set here so that it stays the first header.
  const headers: Record<string, string> = { "content-type": "" };
  const named = metadata["connection"] ?? metadata["Connection"];
  const hops = named
    ?.toLowerCase()
    .split(",")
    .map((name) => name.trim());
  for (const key in metadata) {
    let name = key.toLowerCase();
    if (dropped.has(name) || name.endsWith("-bin") || hops?.includes(name))
      continue;
    if (name.startsWith("grpc-")) name = `dapr-${name}`;
    let value = metadata[key]!;
    if (!token.test(name)) {
      onDropped(key);
      continue;
    }
    if (illegalValue.test(value)) {
      // eslint-disable-next-line no-control-regex
      if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) {
        onDropped(key);
        continue;
      }
      // UTF-8 goes out as its bytes, as the original sends it.
      value = Buffer.from(value, "utf8").toString("latin1");
    }
    setOwn(headers, name, value);
  }
  headers["content-type"] ||= contentTypeOf(data);
  return headers;
}
