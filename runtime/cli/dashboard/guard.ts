/**
 * Who may ask the dashboard: its own page, and programs of this machine. A page
 * of another site could reach it too, directly or by a name that it has turned
 * to this machine (DNS rebinding). It is known by Host, Origin and Sec-Fetch-Site.
 */
import type { IncomingHttpHeaders } from "node:http";
import { isLoopbackName } from "../../shared/addresses.ts";

export interface Refusal {
  status: number;
  why: string;
}

/**
 * Undefined lets the request pass. The port in `Host` may be another one than the dashboard's: whoever forwards a port (VS Code,
 * ssh) may choose it. A browser tells the one that it really asked, and a page of another port has another Origin.
 */
export function refusalOf(
  method: string,
  path: string,
  headers: IncomingHttpHeaders,
): Refusal | undefined {
  const host = headers.host ?? "";
  if (!isOwnHost(host))
    return {
      status: 403,
      why: "The dashboard answers only to localhost and loopback addresses. Open the address that `dapr dashboard` printed.",
    };
  const { origin } = headers;
  const isOwn = origin?.toLowerCase() === `http://${host.toLowerCase()}`;
  const site = headers["sec-fetch-site"];
  const isForeign =
    (origin !== undefined && !isOwn) ||
    (site !== undefined && site !== "same-origin" && site !== "none");
  // Anybody may link to the page itself. It tells nothing, and no other page can read it.
  if (path.startsWith("/api/") && isForeign)
    return {
      status: 403,
      why: "A page of another site may not ask the dashboard.",
    };
  if (method === "GET" || method === "HEAD") return undefined;
  if (!isOwn || headers["x-dapr-dashboard"] !== "1")
    return {
      status: 403,
      why: "This needs the Origin of the dashboard's own page and the header `x-dapr-dashboard: 1`.",
    };
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json")
    return {
      status: 415,
      why: "This needs the header `content-type: application/json`.",
    };
  return undefined;
}

function isOwnHost(host: string): boolean {
  const [, name = ""] =
    /^(\[[\da-f:]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host) ?? [];
  return isLoopbackName(name.toLowerCase());
}
