/** The service invocation building block: who is meant, who may, and how it is reached (docs/protocol/invocation.md). */
import type { AccessControl } from "../../contracts/configuration.ts";
import type { Call } from "../../contracts/call.ts";
import {
  AppUnreachable,
  type AppChannel,
} from "../../contracts/app-channel.ts";
import { ApiError, type ErrorName } from "../../contracts/errors.ts";
import type { CallTarget } from "../../contracts/invocation-policies.ts";
import { PolicyError } from "../../contracts/run.ts";
import { messageOf } from "../../shared/message-of.ts";
import { toHeaderValue } from "../../shared/header-text.ts";
import {
  CallError,
  type External,
  type ForwardReply,
  type ForwardRequest,
  type HttpEndpoint,
  type Peers,
} from "../../contracts/invocation.ts";
import { isAllowed } from "./access-control.ts";
import { isRefused, isRepeatable, ofApp, unlessUnsent } from "./failures.ts";
import { addForwarded, requestHeaders, responseHeaders } from "./headers.ts";
import { methodPath } from "../../contracts/method-path.ts";
import { createProxying } from "./proxying.ts";
import { createReach, keysOf, type ReachOptions } from "./reach.ts";
import { appTarget, parseTarget } from "./target.ts";

export interface InvocationOptions extends ReachOptions {
  appId: string;
  app: AppChannel | undefined;
  /** Whether the app may be called; false while its health probe fails. */
  isAppHealthy: () => boolean;
  /** Whether the sidecar still waits for the app's port. It tries only now and then, so the port may be open already. */
  isAppAwaited: () => boolean;
  peers: Peers;
  external: External;
  /** By name. */
  endpoints: ReadonlyMap<string, HttpEndpoint>;
  accessControl: AccessControl | undefined;
  /** This machine, as forwarded calls name it. */
  host: { name: string; address: string };
  /** `dapr-api-token` is this sidecar's own (DAPR_API_TOKEN) and goes no further. */
  hasApiToken: boolean;
}

export type Invocation = ReturnType<typeof createInvocation>;

export function createInvocation(options: InvocationOptions) {
  const { appId, namespace, app, external, endpoints, peers } = options;
  const reach = createReach(options);

  return {
    ...createProxying({ ...options, reach, askApp, allow }),

    /**
     * A call by this sidecar's own app. The path is percent-encoded as it came and
     * is normalised here. Rejects with the documented ApiError.
     */
    async invoke(
      target: string,
      request: Omit<ForwardRequest, "signal">,
      caller: Call,
    ): Promise<ForwardReply> {
      let reply: ForwardReply;
      try {
        const { operation, wire: path } = methodPath(request.path);
        const headers = requestHeaders(request.headers, {
          keepIdentity: false,
          dropToken: options.hasApiToken,
        });
        const signal = caller.signal();
        reply = await options.policies.call(
          () => targetOf(target, operation),
          { ...request, path, headers, signal },
          (one) => call(target, one),
        );
      } catch (error) {
        if (error instanceof ApiError) throw error;
        if (!(error instanceof CallError && error.answer))
          throw new ApiError(errorName(error), [target, messageOf(error)], {
            cause: error,
          });
        reply = error.answer;
      }
      return { ...reply, headers: responseHeaders(reply.headers) };
    },

    /**
     * A call that another sidecar passed on: access control, then the app.
     * Rejects with {@link CallError}.
     */
    async receive(request: ForwardRequest): Promise<ForwardReply> {
      const { operation, wire } = normalised(request.path);
      allow(operation, request.method, operation.slice(1));
      if (!app)
        throw new CallError("internal", "app channel is not initialized");
      const headers = requestHeaders(request.headers, {
        keepIdentity: true,
        dropToken: false,
      });
      try {
        const reply = await invokeApp(app, { ...request, path: wire, headers });
        return { ...reply, headers: responseHeaders(reply.headers) };
      } catch (error) {
        throw ofApp(error);
      }
    },
  };

  /** As a Resiliency knows it. */
  function targetOf(target: string, operation: string): CallTarget {
    if (isUrl(target))
      return { target, keys: [target], endpoint: target + operation };
    const endpoint = endpoints.get(target);
    if (endpoint)
      return {
        target,
        keys: [target, endpoint.baseUrl],
        endpoint: `${target}:${endpoint.baseUrl}`,
      };
    const { id, space } = parseTarget(target, namespace);
    return appTarget(target, keysOf(id, space), operation);
  }

  async function call(
    target: string,
    request: ForwardRequest,
  ): Promise<ForwardReply> {
    if (isUrl(target)) return external.callUrl(target, request);
    const endpoint = endpoints.get(target);
    if (endpoint) return external.callEndpoint(endpoint, request);
    const { id, space } = parseTarget(target, namespace);
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
    const peerRequest = { ...request, appId: id, namespace: space };
    return reach({
      ...peerRequest,
      call: async (peer) => unlessUnsent(await peers.call(peer, peerRequest)),
      isRepeatable: (error) => isRepeatable(request, error),
    });
  }

  function callOwnApp(request: ForwardRequest): Promise<ForwardReply> {
    if (!app)
      throw new CallError(
        "internal",
        "cannot invoke local endpoint: app channel not initialized",
      );
    return invokeApp(app, request);
  }

  function invokeApp(
    channel: AppChannel,
    request: ForwardRequest,
  ): Promise<ForwardReply> {
    return askApp(() => channel.invoke(request)).catch((error: unknown) => {
      if (error instanceof AppUnreachable && error.answer) return error.answer;
      throw error;
    });
  }

  function askApp<T>(call: () => Promise<T>): Promise<T> {
    if (options.isAppHealthy()) return call();
    if (!options.isAppAwaited()) throw unhealthy();
    return call().catch((error: unknown) => {
      throw isRefused(error) ? unhealthy(error) : error;
    });
  }

  /** Throws a {@link CallError} where access control denies a call of another sidecar's; `told` is what the error calls it. */
  function allow(operation: string, verb: string, told = operation) {
    // Without mutual TLS nobody has proven who calls.
    const caller = undefined;
    const { accessControl } = options;
    const compared = app?.proxy ? undefined : verb;
    if (accessControl && !isAllowed(accessControl, caller, operation, compared))
      throw new CallError(
        "denied",
        `access control policy has denied access to id: unknown operation: ${told} verb: ${compared ?? "NONE"}`,
      );
  }
}

const isUrl = (target: string) => /^https?:\/\//i.test(target);

function errorName(error: unknown): ErrorName {
  if (error instanceof CallError && error.kind === "denied")
    return "directInvokeDenied";
  return error instanceof PolicyError ? ofPolicy[error.kind] : "directInvoke";
}

const ofPolicy = {
  timeout: "directInvokeTimeout",
  open: "directInvokeOpen",
  busy: "directInvokeBusy",
} as const;

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
