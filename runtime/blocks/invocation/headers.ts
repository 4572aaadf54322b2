/** Which headers of a call are passed on, and which are added (spec api §4). */
import type { RawHeaders } from "../../contracts/invocation.ts";

/** What concerns one connection only (RFC 9110 §7.6.1), and `Expect`, which the sidecar answers itself. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "expect",
  "host",
]);

/** The sidecar says these itself; what a caller claims is not believed. */
const identity = new Set([
  "dapr-app-id",
  "dapr-caller-app-id",
  "dapr-caller-namespace",
  "dapr-callee-app-id",
  "destination-app-id",
]);

/** What a request takes along. `Content-Length` stays, to tell a stream's length. */
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
    if (lower.endsWith("-bin") || lower === "destination-app-id") continue;
    if (isPseudo(lower)) continue;
    if (!options.keepIdentity && identity.has(lower)) continue;
    if (options.dropToken && lower === "dapr-api-token") continue;
    kept.push(prefixed(name, lower), headers[i + 1]!);
  }
  return kept;
}

/**
 * Of these an answer has one: a second one would be read by some and not by
 * others, and HTTP/2 can't carry it. The first counts, as in Go and Node.
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
/** These are lists, which HTTP/2 wants in one line. */
const joined = new Set(["content-encoding", "content-language"]);

/**
 * What an answer takes along. The length the app told stays where the body is
 * a stream or absent; a body at hand is counted by whoever sends it.
 */
export function responseHeaders(headers: RawHeaders): RawHeaders {
  const named = connectionNamed(headers);
  const kept: RawHeaders = [];
  let seen: Map<string, number> | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named?.has(lower) || lower.endsWith("-bin"))
      continue;
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

/** Appends who forwards the call, behind whoever did before (RFC 7239 and its forerunners). */
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

/** gRPC's own names would mean something to a gRPC app. */
const prefixed = (name: string, lower: string) =>
  lower.startsWith("grpc-") ? `dapr-${name}` : name;

/** HTTP/2's `:path` and the like, also as the original renames them: no header of HTTP/1.1 can have such a name. */
const isPseudo = (lower: string) =>
  lower.startsWith(":") || lower.startsWith("dapr-:");

/** Headers that `Connection` names go no further either; undefined for the usual none. */
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
