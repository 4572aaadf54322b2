/**
 * Who may call. A foreign web page, a rebound DNS name and a wrong token are
 * refused. This is stricter than the original where it costs a local user
 * nothing; each check has its switch (docs/decisions/differences.md).
 */
import { isIP, isIPv6 } from "node:net";
import { ApiError } from "../../contracts/errors.ts";
import { isLoopbackName } from "../../shared/addresses.ts";
import { isFromHere } from "../from-here.ts";
import { createTokenCheck } from "../token.ts";
import type { ApiRequest } from "./request.ts";
import { header } from "./request.ts";
import { isWatchPath } from "./watch.ts";
import { createWatchGuard, type WatchGuardOptions } from "./watch-guard.ts";

export interface GuardOptions {
  /** `DAPR_API_TOKEN`; no check without it. */
  apiToken?: string;
  /** `--allowed-origins`: `*` or a comma list; empty = no CORS layer. */
  allowedOrigins: string;
  /** Names a `Host` header may carry besides loopback ones; `*` = any (`DAPR_ALLOWED_HOSTS`). */
  allowedHosts: string;
  /** `DAPR_ALLOW_REMOTE_SHUTDOWN`: shutdown and metadata writes from other machines without a token. */
  allowRemoteShutdown: boolean;
  /** Without it nobody may watch, and its paths are unknown ones. */
  watch?: WatchGuardOptions | undefined;
}

/** Returns the refusal, or undefined to let the request pass. A preflight can carry no token and needs none. */
export type Guard = (
  request: ApiRequest,
  isPreflight?: boolean,
) => ApiError | undefined;

export function createGuard(options: GuardOptions): Guard {
  const origins = options.allowedOrigins.split(",").map((part) => part.trim());
  const hosts = options.allowedHosts
    .split(",")
    .map((part) => part.trim().toLowerCase());
  const isToken = options.apiToken && createTokenCheck(options.apiToken);

  const watch = options.watch && createWatchGuard(options.watch);

  const isForeignHost = (name: string | undefined) =>
    !hosts.includes("*") &&
    (name === undefined ||
      !(isAddressOrLoopback(name) || hosts.includes(name)));

  const isForeignPage = (request: ApiRequest) => {
    if (origins.includes("*")) return false;
    const origin = header(request, "origin");
    if (origin !== undefined)
      return !origins.includes(origin) && !isLoopbackUrl(origin);
    if (header(request, "sec-fetch-site") === "cross-site") return true;
    // A cross-site post of a form, from a browser that sends no Origin.
    const referer = header(request, "referer");
    return referer !== undefined && isForm(request) && !isLoopbackUrl(referer);
  };

  return (request, isPreflight = false) => {
    const host = header(request, "host") ?? "";
    const name = hostName(host);
    if (isForeignHost(name)) return new ApiError("foreignHost", [host]);
    if (name === undefined || hasTwoHosts(request))
      return new ApiError("malformedHost");
    // The preflight's own answer tells a browser which origins may come in.
    if (!isPreflight && isForeignPage(request))
      return new ApiError("foreignPage");
    if (watch && isWatchPath(request.path)) return watch(request, name);
    if (
      isToken &&
      !isPreflight &&
      !isExempt(request) &&
      !isToken(header(request, "dapr-api-token"))
    )
      return new ApiError("invalidToken");
    if (
      isPrivileged(request) &&
      !isToken &&
      !options.allowRemoteShutdown &&
      !isFromHere(request.remote, request.headers)
    )
      return new ApiError("onlyLocal");
    return undefined;
  };
}

/** Health is read without a token: these exact paths, GET only. */
const isExempt = ({ method, path }: ApiRequest) =>
  method === "GET" &&
  (path === "/v1.0/healthz" || path === "/v1.0/healthz/outbound");

const isPrivileged = ({ method, path }: ApiRequest) =>
  (method === "POST" && path === "/v1.0/shutdown") ||
  (method === "PUT" && path.startsWith("/v1.0/metadata/"));

const isForm = (request: ApiRequest) =>
  /^\s*(text\/plain|multipart\/form-data|application\/x-www-form-urlencoded)/i.test(
    header(request, "content-type") ?? "",
  );

/** The host of `Host`, without its port; undefined if it is malformed (RFC 9110 §7.2), empty if there is none, as in HTTP/1.0. */
function hostName(host: string): string | undefined {
  const parts = /^(?:\[([^\]]*)\]|([\w.~-]*))(?::\d*)?$/.exec(host);
  if (!parts) return undefined;
  const [, literal, name] = parts;
  if (literal === undefined) return name!.toLowerCase();
  return isIPv6(literal) ? literal.toLowerCase() : undefined;
}

function hasTwoHosts({ rawHeaders }: ApiRequest): boolean {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.length === 4 && /^host$/i.test(rawHeaders[i]!)) count++;
  return count > 1;
}

/** localhost, its subdomains, and any IP address: a name can be rebound, an address can't. Empty = HTTP/1.0. */
const isAddressOrLoopback = (name: string) =>
  name === "" ||
  name === "localhost" ||
  name.endsWith(".localhost") ||
  isIP(name) !== 0;

function isLoopbackUrl(url: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    /^https?:$/.test(parsed.protocol) &&
    (isLoopbackName(parsed.hostname) || parsed.hostname.endsWith(".localhost"))
  );
}
