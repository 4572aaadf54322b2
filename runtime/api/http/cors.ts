/** The CORS layer of `--allowed-origins`; empty means none (docs/protocol/http-api.md). */
import type { ApiRequest } from "./request.ts";
import { header } from "./request.ts";
import type { Cors } from "./server.ts";

const methods = "HEAD, GET, POST, PUT, PATCH, DELETE";

export function createCors(
  allowedOrigins: string,
): ((request: ApiRequest) => Cors | undefined) | undefined {
  if (allowedOrigins === "") return undefined;
  const listed = allowedOrigins.split(",").map((part) => part.trim());
  const any = listed.includes("*");
  return (request) => {
    const origin = header(request, "origin");
    const preflight =
      request.method === "OPTIONS" &&
      header(request, "access-control-request-method") !== undefined;
    if (origin === undefined) return undefined;
    const headers: Record<string, string> = {
      vary: preflight
        ? "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
        : "Origin",
    };
    if (any || listed.includes(origin)) {
      headers["access-control-allow-origin"] = any ? "*" : origin;
      if (preflight) {
        headers["access-control-allow-methods"] = methods;
        const asked = header(request, "access-control-request-headers");
        if (asked) headers["access-control-allow-headers"] = asked;
      }
    }
    return { headers, preflight };
  };
}
