/** bindings.http: requests to one configured URL and the paths below it (docs/protocol/bindings.md). */
import type { Dispatcher } from "undici";
// The pool alone, as in the app channel.
import Pool from "undici/lib/dispatcher/pool.js";
import {
  BindingError,
  defineBinding,
  type BindingRequest,
  type BindingResponse,
} from "../../../contracts/binding.ts";
import { messageOf } from "../../../shared/message-of.ts";
import {
  bool,
  choice,
  duration,
  MetadataError,
  size,
  text,
} from "../../../contracts/metadata.ts";
import { isTruthy } from "../../../shared/units.ts";
import { isMarked, onBehalfHeader } from "../../../contracts/on-behalf.ts";
import { free } from "../../../shared/memory/spent-bytes.ts";
import { trustSystemAuthorities } from "../../../net/trusted-authorities.ts";
import { tlsOptions } from "../../clients/tls.ts";
import { textOf } from "../../text-data.ts";
import { daprVersion } from "../../../shared/version.ts";
import { exchange, type Answer } from "./exchange.ts";
import { parseTarget } from "./target.ts";

const metadata = {
  url: text(
    "Base of every request, http or https; a user and password in it log in.",
    { required: true },
  ),
  MTLSRootCA: text("Authority of the server's certificate, PEM or a file."),
  MTLSClientCert: text("Client certificate, PEM or a file."),
  MTLSClientKey: text("Its key, PEM or a file.", { secret: true }),
  MTLSRenegotiation: choice([
    "RenegotiateNever",
    "RenegotiateOnceAsClient",
    "RenegotiateFreelyAsClient",
  ])("Accepted; connections never renegotiate."),
  securityToken: text("Sent in the header securityTokenHeader.", {
    secret: true,
  }),
  securityTokenHeader: text("Header of the token."),
  responseTimeout: duration(
    "Time the whole answer may take; absent: no limit.",
  ),
  maxResponseBodySize: size("What is longer is cut off; 0 or less: no limit.", {
    default: 100 * 1024 * 1024,
  }),
  errorIfNot2XX: bool(
    "An answer that is not 2xx is an error; also per request.",
    {
      default: true,
    },
  ),
  stringsAsText: bool(
    "Send a JSON string's characters where the request's Content-Type is not JSON; false, as the original: with its quotes.",
    { default: true },
  ),
  followRedirects: bool(
    "Follow redirects below the url, ten at most. The original's default is to follow them anywhere.",
    { default: false },
  ),
};

const connectTimeoutMs = 15_000;
const maxRedirects = 10;
const operations = [
  "create",
  "get",
  "head",
  "post",
  "put",
  "patch",
  "delete",
  "options",
  "trace",
];
const json = "application/json; charset=utf-8";
/** Headers that belong to the connection, not to the caller. */
const connectionHeaders =
  /^(connection|content-length|expect|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i;

const tlsNames = {
  ca: "MTLSRootCA",
  cert: "MTLSClientCert",
  key: "MTLSClientKey",
};

export const http = defineBinding(
  "bindings.http",
  metadata,
  async ({ meta, items, log }) => {
    /** An error with the line of its property. */
    const read = <T>(property: string, parse: () => T): T => {
      try {
        return parse();
      } catch (error) {
        throw new MetadataError(
          messageOf(error),
          items.find(({ name }) => name.toLowerCase() === property)?.at,
        );
      }
    };
    const target = read("url", () => parseTarget(meta.url));
    const tls = tlsOptions(meta, tlsNames);
    if (target.origin.startsWith("https:") && !tls.ca)
      trustSystemAuthorities(log);
    const token = read("securitytoken", () => tokenOf(meta));
    const pool = new Pool(target.origin, {
      headersTimeout: 0,
      bodyTimeout: 0,
      pipelining: 1,
      connect: { ...tls, timeout: connectTimeoutMs },
    });
    const fixed: [string, string][] = [
      ...(target.authorization
        ? [["Authorization", target.authorization] as [string, string]]
        : []),
      ...token,
    ];

    return {
      operations,
      async invoke(request, call): Promise<BindingResponse> {
        const method = methodOf(request.operation);
        const whole = bodyOf(method, request);
        const headers = headersOf(request.metadata, whole !== undefined, fixed);
        const answer = await follow(
          method,
          target.resolve(request.metadata["path"]),
          Object.fromEntries(headers.values()),
          whole && meta.stringsAsText
            ? textOf(whole, headers.get("content-type")?.[1])
            : whole,
          call?.signal(),
        );
        const about = metadataOf(answer);
        const wanted = request.metadata["errorIfNot2XX"];
        const isStrict = wanted ? isTruthy(wanted) : meta.errorIfNot2XX;
        if (isStrict && (answer.status < 200 || answer.status > 299)) {
          free(answer.body);
          throw new BindingError(
            `received status code ${answer.status}`,
            about,
          );
        }
        return { data: answer.body, metadata: about };
      },
      async close() {
        if (!pool.closed) await pool.close();
      },
    };

    async function follow(
      method: string,
      path: string,
      headers: Record<string, string>,
      body: Uint8Array | undefined,
      signal: AbortSignal | undefined,
    ): Promise<Answer> {
      for (let hops = 0; ; hops++) {
        const answer = await exchange(pool, {
          method: method as Dispatcher.HttpMethod,
          path,
          headers: isMarked(path)
            ? { ...headers, [onBehalfHeader]: "true" }
            : headers,
          body,
          timeoutMs: meta.responseTimeout,
          signal,
          maxBytes: meta.maxResponseBodySize,
        });
        const location = answer.headers["location"];
        if (
          !meta.followRedirects ||
          ![301, 302, 303, 307, 308].includes(answer.status) ||
          typeof location !== "string"
        )
          return answer;
        const next = target.redirected(location, path);
        if (next === undefined || hops === maxRedirects) return answer;
        free(answer.body);
        path = next;
        // As in browsers and Go: after these three all but HEAD goes on as GET.
        if (answer.status <= 303 && method !== "HEAD") {
          method = "GET";
          body = undefined;
          headers = Object.fromEntries(
            Object.entries(headers).filter(
              ([name]) => name.toLowerCase() !== "content-type",
            ),
          );
        }
      }
    }
  },
);

function tokenOf({
  securityToken: token,
  securityTokenHeader: header,
}: {
  securityToken: string | undefined;
  securityTokenHeader: string | undefined;
}): [string, string][] {
  if (!token || !header) return [];
  if (/[^\t\x20-\x7e\x80-\xff]/.test(token))
    throw new Error(
      "metadata 'securityToken': it holds a character that no header can carry, such as a line break",
    );
  return [[header, token]];
}

const methodOf = (operation: string) =>
  operation === "create" ? "POST" : operation.toUpperCase();

/** Only these three verbs send data; a null record is sent as the text `null`. */
const bodyOf = (method: string, { data }: BindingRequest) =>
  method === "POST" || method === "PUT" || method === "PATCH"
    ? (data ?? Buffer.from("null"))
    : undefined;

/** Keys that are headers: they start with a capital letter, as in the original, or can be nothing else. */
const isHeader = (key: string) =>
  /^[A-Z]/.test(key) ||
  key.includes("-") ||
  key === "accept" ||
  key === "authorization" ||
  key === "cookie";

/** By name in lower case. */
function headersOf(
  given: Record<string, string>,
  hasBody: boolean,
  fixed: [string, string][],
): Map<string, [name: string, value: string]> {
  // Names are compared without case; the last one set counts.
  const headers = new Map<string, [string, string]>();
  const set = (name: string, value: string) =>
    headers.set(name.toLowerCase(), [name, value]);
  if (hasBody) set("Content-Type", json);
  set("Accept", json);
  set("User-Agent", `daprd/${daprVersion}`); // some servers refuse a request without one
  for (const [name, value] of fixed) set(name, value);
  for (const name in given)
    if (isHeader(name) && !connectionHeaders.test(name))
      set(name, given[name]!);
  for (const name of ["traceparent", "tracestate"])
    if (given[name]) set(name, given[name]);
  return headers;
}

/** Status and headers as the original names them (`Content-Type`). */
function metadataOf({
  status,
  statusText,
  headers,
}: Answer): Record<string, string> {
  const about: Record<string, string> = {
    statusCode: String(status),
    status: `${status} ${statusText}`.trim(),
  };
  for (const name in headers) {
    // The body is complete by now.
    if (name === "transfer-encoding") continue;
    const value = headers[name]!;
    about[name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())] =
      Array.isArray(value) ? value.join(", ") : value;
  }
  return about;
}
