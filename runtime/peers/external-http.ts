/**
 * Calls to addresses that have no sidecar: plain URLs and HTTPEndpoints (docs/protocol/invocation.md).
 * The app's token never goes there.
 */
import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { trustSystemAuthorities } from "../net/trusted-authorities.ts";
import { methodPath } from "../contracts/method-path.ts";
import type {
  External,
  ForwardReply,
  ForwardRequest,
  HttpEndpoint,
} from "../contracts/invocation.ts";
import { isMarked, onBehalfHeader } from "../contracts/on-behalf.ts";
import { withoutBinary } from "../shared/binary-names.ts";
import { trimEnd } from "../shared/trim-end.ts";
import { explainExternal } from "./external-errors.ts";

const maxRedirects = 10;

export interface ExternalOptions {
  /** Whether redirects of an endpoint are followed if they stay below its URL; else each one is the answer. */
  followRedirects: boolean;
}

export function createExternal({ followRedirects }: ExternalOptions): External {
  const agents = new Map<HttpEndpoint | undefined, Promise<Dispatcher>>();

  /** One for all plain URLs, and one for each endpoint, which may have its own TLS. */
  function agentFor(endpoint?: HttpEndpoint) {
    let agent = agents.get(endpoint);
    if (!agent) {
      agent = createAgent(endpoint?.clientTls);
      agents.set(endpoint, agent);
    }
    return agent;
  }

  async function send(
    agent: Promise<Dispatcher>,
    url: URL,
    request: ForwardRequest,
    setting: string,
  ): Promise<ForwardReply> {
    if (url.protocol === "https:") trustSystemAuthorities();
    const { forwardOver } = await import("../net/undici-forward.ts");
    const path = url.pathname + url.search;
    const sent = withoutBinary(request.headers);
    const headers = isMarked(path) ? [...sent, onBehalfHeader, "true"] : sent;
    try {
      const reply = await forwardOver(await agent, url.origin, {
        ...request,
        path,
        headers,
      });
      return { ...reply, headers: withoutBinary(reply.headers) };
    } catch (error) {
      throw explainExternal(error, url.origin, setting);
    }
  }

  return {
    async callUrl(baseUrl, request) {
      return send(agentFor(), urlOf(baseUrl, request), request, "the URL");
    },
    async callEndpoint(endpoint, request) {
      const agent = agentFor(endpoint);
      const setting = `the baseUrl of HTTPEndpoint ${endpoint.name}`;
      let url = urlOf(endpoint.baseUrl, request);
      let current = {
        ...request,
        headers: replaced(request.headers, endpoint.headers),
      };
      for (let hops = 0; ; hops++) {
        const reply = await send(agent, url, current, setting);
        if (!followRedirects || current.body instanceof Readable) return reply;
        const next = redirectOf(reply, url, endpoint.baseUrl);
        if (!next || hops === maxRedirects) return reply;
        drop(reply);
        url = next;
        current = redirected(current, reply.status);
      }
    },
    async forget(endpoint) {
      const agent = await agents.get(endpoint);
      agents.delete(endpoint);
      await agent?.close();
    },
    async close() {
      for (const agent of agents.values()) await (await agent).destroy();
    },
  };
}

async function createAgent(
  tls: HttpEndpoint["clientTls"],
): Promise<Dispatcher> {
  const { default: Agent } = await import("undici/lib/dispatcher/agent.js");
  return new Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: tls
      ? { ca: tls.rootCa, cert: tls.certificate, key: tls.privateKey }
      : {},
  });
}

/** The base with the method behind its path; its own query and credentials stay. */
function urlOf(baseUrl: string, { path }: ForwardRequest): URL {
  const base = URL.parse(baseUrl);
  if (!base || !/^https?:$/.test(base.protocol))
    throw new Error(`${JSON.stringify(baseUrl)} is not an http or https URL`);
  if (base.username || base.password)
    throw new Error("a URL with a user or password is not called");
  // It is normalised already, so it can't climb out of the base's path.
  const prefix = trimEnd(base.pathname, "/");
  return new URL(base.origin + prefix + path);
}

/** Where a redirect leads, if that is below the endpoint's URL. */
function redirectOf(
  { status, headers }: ForwardReply,
  from: URL,
  baseUrl: string,
): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  const at = headers.findIndex(
    (name, i) => i % 2 === 0 && name.toLowerCase() === "location",
  );
  const to = at < 0 ? null : URL.parse(headers[at + 1]!, from.href);
  if (!to || to.origin !== from.origin) return undefined;
  // A server may decode more than once, or take a backslash for a slash.
  if (/%25|%5c/i.test(to.pathname)) return undefined;
  try {
    const { wire } = methodPath(to.pathname + to.search);
    const base = trimEnd(new URL(baseUrl).pathname, "/");
    const isBelow = wire.startsWith(`${base}/`) || wire === base;
    return isBelow ? new URL(to.origin + wire) : undefined;
  } catch {
    return undefined; // no path that is ever called
  }
}

/** After 301 to 303 the next request is a GET without a body, unless this one was GET or HEAD; so do other clients. */
function redirected(request: ForwardRequest, status: number) {
  const { method } = request;
  if (status >= 307 || method === "GET" || method === "HEAD")
    return { ...request };
  const headers = request.headers.slice();
  for (let i = headers.length - 2; i >= 0; i -= 2)
    if (/^content-/i.test(headers[i]!)) headers.splice(i, 2);
  return { ...request, method: "GET", body: undefined, headers };
}

function replaced(headers: string[], own: string[]): string[] {
  return [...without(headers, namesOf(own)), ...own];
}

function without(headers: string[], names: Set<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2)
    if (!names.has(headers[i]!.toLowerCase()))
      kept.push(headers[i]!, headers[i + 1]!);
  return kept;
}

const namesOf = (headers: string[]) =>
  new Set(
    headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()),
  );

function drop({ body }: ForwardReply) {
  if (body instanceof Readable) body.on("error", () => {}).destroy();
}
