/** Calls of other apps: how they are found, how they are reached, who may call this one. */
import { hostname } from "node:os";
import {
  createInvocation,
  type Invocation,
} from "../blocks/invocation/invocation.ts";
import type { AppChannel } from "../contracts/app-channel.ts";
import type { Configuration } from "../contracts/configuration.ts";
import type { External, HttpEndpoint } from "../contracts/invocation.ts";
import type { NameResolver } from "../contracts/name-resolver.ts";
import { ownNamespace } from "../shared/namespace.ts";
import { createPeers } from "../peers/client.ts";
import { createExternal } from "../peers/external-http.ts";
import { isTruthy } from "../shared/units.ts";
import { hostAddress } from "./addresses.ts";
import { openResolvers } from "./open-resolvers.ts";
import type { SidecarOptions } from "./options.ts";
import type { Policies } from "./policies/policies.ts";

export interface InvocationParts {
  app: AppChannel | undefined;
  isAppHealthy(): boolean;
  isAppAwaited(): boolean;
  configuration: Configuration;
  endpoints: ReadonlyMap<string, HttpEndpoint>;
  policies: Policies;
}

/** What it opens is closed with `opened`. */
export async function openInvocation(
  options: SidecarOptions,
  parts: InvocationParts,
  opened: AsyncDisposableStack,
): Promise<{
  invocation: Invocation;
  resolvers: NameResolver[];
  external: External;
}> {
  const { flags, env, log } = options;
  const { configuration } = parts;
  const resolvers = await openResolvers(configuration, options);
  for (const resolver of resolvers) opened.defer(() => resolver.close());
  const peers = createPeers({
    maxBodyBytes: flags["max-body-size"],
    onGrpcCall: parts.policies.onGrpcSent,
    log,
  });
  opened.defer(() => peers.close());
  const external = createExternal({
    followRedirects: isTruthy(env["DAPR_FOLLOW_REDIRECTS"]),
  });
  opened.defer(() => external.close());
  const invocation = createInvocation({
    ...parts,
    policies: parts.policies.invocation,
    appId: flags["app-id"],
    namespace: ownNamespace(env),
    resolvers,
    peers: parts.policies.peers(peers),
    external,
    accessControl: configuration.accessControl,
    host: { name: hostname(), address: hostAddress(env) },
    hasApiToken: Boolean(env["DAPR_API_TOKEN"]),
    log,
  });
  return { invocation, resolvers, external };
}
