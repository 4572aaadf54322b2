/** Headers that concern one connection only (RFC 9110 §7.6.1), with `Expect`, which a sidecar answers itself, and `Host`. */
export const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
