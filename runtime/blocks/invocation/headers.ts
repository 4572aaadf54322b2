/** Which headers of a call are passed on, and which are added (docs/protocol/invocation.md). */
import type { RawHeaders } from "../../contracts/invocation.ts";
import { hopByHop } from "../../shared/hop-by-hop.ts";

/** The sidecar sets these itself; what a caller claims is not believed. */
const identity = new Set([
  "dapr-app-id",
  "dapr-caller-app-id",
  "dapr-caller-namespace",
  "dapr-callee-app-id",
  "destination-app-id",
]);

/** The headers of a request that go on. `Content-Length` stays, as it tells a stream's length. */
export function requestHeaders(
  headers: RawHeaders,
  options: { keepIdentity: boolean; dropToken: boolean },
): RawHeaders {
  const named = connectionNamed(headers);
  const kept: RawHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named?.has(lower)) continue;
    if (lower === "destination-app-id") continue;
    if (isPseudo(lower)) continue;
    if (!options.keepIdentity && identity.has(lower)) continue;
    if (options.dropToken && lower === "dapr-api-token") continue;
    kept.push(prefixed(name, lower), headers[i + 1]!);
  }
  return kept;
}

/**
 * An answer has each of these once. Of two, some readers take the first and some
 * the second, and HTTP/2 can't carry both. Here the first counts, as in Go and Node.
 */
const single = new Set([
  "access-control-allow-credentials",
  "access-control-max-age",
  "age",
  "baggage",
  "content-location",
  "content-md5",
  "content-range",
  "content-type",
  "date",
  "etag",
  "expires",
  "last-modified",
  "location",
  "retry-after",
  "server",
  "tk",
  "x-content-type-options",
]);
/** These are lists; HTTP/2 wants a list in one line. */
const joined = new Set(["content-encoding", "content-language"]);

/**
 * The headers of an answer that go on. The app's length stays if the body is a
 * stream or absent; the length of a body at hand is set by whoever sends it.
 */
export function responseHeaders(headers: RawHeaders): RawHeaders {
  const named = connectionNamed(headers);
  const kept: RawHeaders = [];
  let seen: Map<string, number> | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named?.has(lower)) continue;
    if (single.has(lower) || joined.has(lower)) {
      const at = seen?.get(lower);
      if (at !== undefined) {
        if (joined.has(lower)) kept[at] += `, ${headers[i + 1]}`;
        continue;
      }
      (seen ??= new Map()).set(lower, kept.length + 1);
    }
    kept.push(prefixed(name, lower), headers[i + 1]!);
  }
  return kept;
}

/** Appends who forwards the call, behind those who did before (RFC 7239, and the older headers). */
export function addForwarded(
  headers: RawHeaders,
  host: { name: string; address: string },
): void {
  const address = host.address.includes(":")
    ? `"[${host.address}]"`
    : host.address;
  append(headers, "X-Forwarded-For", host.address);
  append(headers, "X-Forwarded-Host", host.name);
  append(
    headers,
    "Forwarded",
    `for=${address};by=${address};host=${host.name}`,
  );
}

function append(headers: RawHeaders, name: string, value: string) {
  const lower = name.toLowerCase();
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i]!.toLowerCase() === lower) {
      headers[i + 1] += `, ${value}`;
      return;
    }
  headers.push(name, value);
}

/** gRPC's own names would mean something to a gRPC app, which is meant to read its trace. */
const prefixed = (name: string, lower: string) =>
  lower.startsWith("grpc-") && lower !== "grpc-trace-bin"
    ? `dapr-${name}`
    : name;

/** HTTP/2's `:path` and the like, also as the original renames them. HTTP/1.1 can't have a header of such a name. */
const isPseudo = (lower: string) =>
  lower.startsWith(":") || lower.startsWith("dapr-:");

/** The headers that `Connection` names: they go no further either. Undefined if there are none, as usual. */
function connectionNamed(headers: RawHeaders): Set<string> | undefined {
  let named: Set<string> | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i]!.length !== 10 || headers[i]!.toLowerCase() !== "connection")
      continue;
    for (const option of headers[i + 1]!.split(",")) {
      const lower = option.trim().toLowerCase();
      if (lower !== "close" && lower !== "keep-alive")
        (named ??= new Set()).add(lower);
    }
  }
  return named;
}
