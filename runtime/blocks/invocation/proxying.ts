/** gRPC calls of any service and method, passed on to an app as they are (docs/protocol/invocation.md). */
import type { AppChannel } from "../../contracts/app-channel.ts";
import { CallError, type Peers } from "../../contracts/invocation.ts";
import {
  targetOf,
  unsentAsked,
  unsentMark,
  type ProxiedCall,
  type ProxiedMetadata,
} from "../../contracts/proxied-call.ts";
import type { InvocationPolicies } from "../../contracts/invocation-policies.ts";
import { toHeaderValue } from "../../shared/header-text.ts";
import { setOwn } from "../../shared/set-own.ts";
import { ofApp } from "./failures.ts";
import { keysOf, type Reach } from "./reach.ts";
import { appTarget, parseTarget } from "./target.ts";

export interface ProxyingOptions {
  appId: string;
  namespace: string;
  app: AppChannel | undefined;
  peers: Peers;
  /** `dapr-api-token` is this sidecar's own (DAPR_API_TOKEN) and goes no further. */
  hasApiToken: boolean;
  reach: Reach;
  policies: InvocationPolicies;
  /** Calls the app unless it is not healthy. */
  askApp<T>(call: () => Promise<T>): Promise<T>;
  /** Throws where access control denies it. */
  allow(operation: string, verb: string): void;
}

export type Proxying = ReturnType<typeof createProxying>;

export function createProxying(options: ProxyingOptions) {
  const { appId, namespace, app, peers } = options;

  async function callApp(
    call: ProxiedCall,
    metadata: ProxiedMetadata,
  ): Promise<void> {
    if (!app) throw new CallError("internal", "app channel is not initialized");
    const { proxy } = app;
    if (!proxy)
      throw new CallError(
        "internal",
        "the app does not speak gRPC; if it does, start its sidecar with --app-protocol grpc",
      );
    await options.askApp(() => proxy(call, metadata));
  }

  return {
    /**
     * A call by this sidecar's own app. Resolves once it is over; rejects with a {@link CallError}, or what else
     * went wrong, if it got nowhere.
     */
    async proxy(call: ProxiedCall): Promise<void> {
      if (call.path.startsWith(betweenSidecars))
        throw new CallError(
          "denied",
          `${call.path} is for calls between sidecars, which say who calls whom; call the app's own service, or InvokeService`,
        );
      const { proxied } = call;
      const { id, space } = parseTarget(namedBy(proxied), namespace);
      const metadata = without(
        proxied,
        options.hasApiToken ? withToken : identity,
      );
      metadata["dapr-caller-app-id"] = toHeaderValue(appId);
      metadata["dapr-caller-namespace"] = toHeaderValue(namespace);
      metadata["dapr-callee-app-id"] = toHeaderValue(id);
      if (id === appId && space === namespace)
        return callApp(call, metadata).catch((error: unknown) => {
          throw ofApp(error);
        });
      // Older sidecars of the original ask for this one.
      metadata["dapr-app-id"] = metadata["dapr-callee-app-id"]!;
      const target = namedBy(proxied);
      return options.policies.proxy(
        () => appTarget(target, keysOf(id, space), call.path),
        call,
        (one) =>
          options.reach({
            appId: id,
            namespace: space,
            signal: one.signal,
            call: (peer) => peers.proxy(peer, id, one, metadata),
            // It rejects only as long as the call can be made anew.
            isRepeatable: () => true,
          }),
      );
    },

    /** A call that another sidecar passed on. Rejects with a {@link CallError}. */
    async receiveProxied(call: ProxiedCall): Promise<void> {
      try {
        const { proxied } = call;
        const { id } = parseTarget(namedBy(proxied), namespace);
        if (id !== appId)
          throw new CallError(
            "invalid",
            `this is the sidecar of ${appId}, and passes on no calls for ${id}`,
          );
        options.allow(call.path, "NONE");
        const metadata = without(proxied, betweenThem);
        // Between the original's sidecars all messages have this type.
        if (metadata["content-type"] === "application/grpc+proxy")
          metadata["content-type"] = "application/grpc";
        await callApp(call, metadata);
      } catch (error) {
        throw ofApp(error);
      }
    },
  };
}

/** An app that could call these would speak for any other app. */
const betweenSidecars = "/dapr.proto.internals.";

/** The sidecar sets these itself; what a caller claims is not believed. */
const identity = new Set([
  "dapr-app-id",
  "dapr-callee-app-id",
  "dapr-caller-app-id",
  "dapr-caller-namespace",
  unsentMark,
]);
const withToken = new Set([...identity, "dapr-api-token"]);
const betweenThem = new Set(["dapr-app-id", unsentMark, unsentAsked.name]);

function namedBy(proxied: ProxiedMetadata): string {
  const target = targetOf(proxied);
  if (!target)
    throw new Error(
      "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
    );
  return target;
}

function without(
  metadata: ProxiedMetadata,
  names: ReadonlySet<string>,
): ProxiedMetadata {
  const kept: ProxiedMetadata = {};
  for (const name in metadata)
    if (!names.has(name)) setOwn(kept, name, metadata[name]!);
  return kept;
}
