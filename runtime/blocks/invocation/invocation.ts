/** The service invocation building block: who is meant, who may, and how it is reached (docs/protocol/invocation.md). */
import type { AccessControl } from "../../contracts/configuration.ts";
import type { Call } from "../../contracts/call.ts";
import type { AppChannel } from "../../contracts/app-channel.ts";
import { ApiError } from "../../contracts/errors.ts";
import { messageOf } from "../../shared/message-of.ts";
import { toHeaderValue } from "../../shared/header-text.ts";
import { withPort } from "../../shared/addresses.ts";
import {
  CallError,
  type External,
  type ForwardReply,
  type ForwardRequest,
  type HttpEndpoint,
  type PeerRequest,
  type Peers,
} from "../../contracts/invocation.ts";
import type { Logger } from "../../shared/log.ts";
import type { NameResolver, Peer } from "../../contracts/name-resolver.ts";
import { isAllowed } from "./access-control.ts";
import {
  isRefused,
  isRepeatable,
  isTransient,
  mayEndElsewhere,
  ofApp,
} from "./failures.ts";
import { addForwarded, requestHeaders, responseHeaders } from "./headers.ts";
import { methodPath } from "../../contracts/method-path.ts";
import { delay } from "../../shared/timers.ts";

export interface InvocationOptions {
  appId: string;
  /** `NAMESPACE`, else `default`. */
  namespace: string;
  app: AppChannel | undefined;
  /** Whether the app may be called; false while its health probe fails. */
  isAppHealthy: () => boolean;
  /** Whether the sidecar still waits for the app's port. It tries only now and then, so the port may be open already. */
  isAppAwaited: () => boolean;
  /** Asked in order. */
  resolvers: NameResolver[];
  peers: Peers;
  external: External;
  /** By name. */
  endpoints: ReadonlyMap<string, HttpEndpoint>;
  accessControl: AccessControl | undefined;
  /** This machine, as forwarded calls name it. */
  host: { name: string; address: string };
  /** `dapr-api-token` is this sidecar's own (DAPR_API_TOKEN) and goes no further. */
  hasApiToken: boolean;
  /** The pause before a call to a sidecar is made again; 1 s, as in the original. */
  retryMs?: number;
  log: Logger;
}

export type Invocation = ReturnType<typeof createInvocation>;

/** How many more times after the first call. */
const retries = 3;

export function createInvocation(options: InvocationOptions) {
  const { appId, namespace, app, external, endpoints, resolvers, peers, log } =
    options;
  const retryMs = options.retryMs ?? 1000;

  return {
    /**
     * A call by this sidecar's own app. The path is percent-encoded as it came and
     * is normalised here. Rejects with the documented ApiError.
     */
    async invoke(
      target: string,
      request: Omit<ForwardRequest, "signal">,
      caller: Call,
    ): Promise<ForwardReply> {
      try {
        const path = methodPath(request.path).wire;
        const headers = requestHeaders(request.headers, {
          keepIdentity: false,
          dropToken: options.hasApiToken,
        });
        const signal = caller.signal();
        const reply = await call(target, { ...request, path, headers, signal });
        return { ...reply, headers: responseHeaders(reply.headers) };
      } catch (error) {
        if (error instanceof ApiError) throw error;
        const isDenied = error instanceof CallError && error.kind === "denied";
        throw new ApiError(
          isDenied ? "directInvokeDenied" : "directInvoke",
          [target, messageOf(error)],
          { cause: error },
        );
      }
    },

    /**
     * A call that another sidecar passed on: access control, then the app.
     * Rejects with {@link CallError}.
     */
    async receive(request: ForwardRequest): Promise<ForwardReply> {
      const { operation, wire } = normalised(request.path);
      // Without mutual TLS nobody has proven who calls.
      const caller = undefined;
      const { accessControl } = options;
      if (
        accessControl &&
        !isAllowed(accessControl, caller, operation, request.method)
      )
        throw new CallError(
          "denied",
          `access control policy has denied access to id: unknown operation: ${operation.slice(1)} verb: ${request.method}`,
        );
      if (!app)
        throw new CallError("internal", "app channel is not initialized");
      const headers = requestHeaders(request.headers, {
        keepIdentity: true,
        dropToken: false,
      });
      try {
        const reply = await askApp(app, { ...request, path: wire, headers });
        return { ...reply, headers: responseHeaders(reply.headers) };
      } catch (error) {
        throw ofApp(error);
      }
    },
  };

  async function call(
    target: string,
    request: ForwardRequest,
  ): Promise<ForwardReply> {
    if (/^https?:\/\//i.test(target)) return external.callUrl(target, request);
    const endpoint = endpoints.get(target);
    if (endpoint) return external.callEndpoint(endpoint, request);
    const dot = target.indexOf(".");
    const id = dot < 0 ? target : target.slice(0, dot);
    const space = dot < 0 ? namespace : target.slice(dot + 1);
    if (id === "" || space === "" || space.includes(".") || isCut(target))
      throw new Error(`invalid app id ${printable(target)}`);
    request.headers.push(
      "dapr-caller-app-id",
      toHeaderValue(appId),
      "dapr-caller-namespace",
      toHeaderValue(namespace),
      "dapr-callee-app-id",
      toHeaderValue(id),
    );
    if (id === appId && space === namespace) return callOwnApp(request);
    addForwarded(request.headers, options.host);
    return callPeer({ ...request, appId: id, namespace: space });
  }

  function callOwnApp(request: ForwardRequest): Promise<ForwardReply> {
    if (!app)
      throw new CallError(
        "internal",
        "cannot invoke local endpoint: app channel not initialized",
      );
    return askApp(app, request);
  }

  function askApp(
    channel: AppChannel,
    request: ForwardRequest,
  ): Promise<ForwardReply> {
    if (options.isAppHealthy()) return channel.invoke(request);
    if (!options.isAppAwaited()) throw unhealthy();
    return channel.invoke(request).catch((error: unknown) => {
      throw isRefused(error) ? unhealthy(error) : error;
    });
  }

  async function callPeer(request: PeerRequest): Promise<ForwardReply> {
    const found = await resolve(request.appId, request.namespace);
    try {
      return await peers.call(found.peer, request);
    } catch (error) {
      return callAnew(request, found, error);
    }
  }

  /** When one of the app's sidecars refuses, the next is asked at once. After the last one there is a pause and another round. */
  async function callAnew(
    request: PeerRequest,
    found: Found,
    error: unknown,
  ): Promise<ForwardReply> {
    const find = () => resolve(request.appId, request.namespace);
    const tried = new Set<string>();
    let round = 0;
    for (;;) {
      if (!mayEndElsewhere(error)) throw error;
      found.forget();
      if (!isRepeatable(request, error)) throw error;
      const { message } = error;
      tried.add(addressOf(found.peer));
      log.debug(
        `calling ${request.appId} at ${addressOf(found.peer)} failed: ${message}`,
      );
      const next = error.unsent ? await find().catch(() => undefined) : found;
      if (next && !tried.has(addressOf(next.peer))) found = next;
      else if (!isTransient(error)) throw error;
      else if (round++ === retries)
        throw new CallError(
          error.kind,
          `failed to invoke target ${request.appId} after ${retries} retries. Error: ${message}`,
          { cause: error },
        );
      else {
        await delay(retryMs, undefined, { signal: request.signal });
        found = await find();
        tried.clear();
      }
      request.signal?.throwIfAborted();
      try {
        return await peers.call(found.peer, request);
      } catch (again) {
        error = again;
      }
    }
  }

  /** What the first resolver that knows the app says. An error of a resolver counts only if no other knows the app. */
  async function resolve(id: string, space: string): Promise<Found> {
    if (resolvers.length === 0)
      throw new Error("name resolver not initialized");
    let problem: unknown;
    for (const resolver of resolvers) {
      try {
        const peer = await resolver.resolve(id, space);
        if (peer)
          return { peer, forget: () => resolver.forget?.(id, space, peer) };
      } catch (error) {
        problem ??= error;
      }
    }
    throw (
      problem ??
      new Error(
        space === namespace
          ? `couldn't find service: ${id}; is its sidecar running?`
          : `couldn't find service: ${id}.${space}; is its sidecar running, with NAMESPACE=${space}?`,
      )
    );
  }
}

interface Found {
  peer: Peer;
  forget(): void;
}

const addressOf = ({ host, port }: Peer) => withPort(host, port);

/** For some look-ups a NUL would end the name. */
// oxlint-disable-next-line no-control-regex -- they are what is refused
const isCut = (name: string) => /[\0-\x1f\x7f]/.test(name);

const printable = (name: string) => (isCut(name) ? JSON.stringify(name) : name);

const unhealthy = (cause?: unknown) =>
  new CallError("internal", "app is not in a healthy state", {
    cause,
    unsent: true,
  });

function normalised(path: string) {
  try {
    return methodPath(path);
  } catch (error) {
    throw new CallError("invalid", messageOf(error), { cause: error });
  }
}
