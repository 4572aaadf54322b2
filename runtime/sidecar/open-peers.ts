/** Opens the port for other sidecars, and makes it known to those who look for this app. */
import type { Invocation } from "../blocks/invocation/invocation.ts";
import { withPort } from "../shared/addresses.ts";
import type { NameResolver } from "../contracts/name-resolver.ts";
import { listenPeers, type PeerServer } from "../peers/server.ts";
import { peerAddresses, reachableAddress } from "./addresses.ts";
import type { SidecarOptions } from "./options.ts";
import type { Policies } from "./policies/policies.ts";

export async function openPeers(
  { flags, env, log }: SidecarOptions,
  namespace: string,
  invocation: Invocation,
  resolvers: readonly NameResolver[],
  policies: Policies,
): Promise<PeerServer> {
  const appId = flags["app-id"];
  const server = await listenPeers({
    addresses: peerAddresses(flags),
    port: flags["dapr-internal-grpc-port"],
    appId,
    receive: policies.received((request) => invocation.receive(request)),
    receiveProxied: (call) => invocation.receiveProxied(call),
    maxBodyBytes: flags["max-body-size"],
    onGrpcCall: policies.onGrpcServed,
    onGrpcPassedOn: policies.onGrpcPassedToApp,
  });
  try {
    const { addresses, port } = server;
    for (const failure of server.failures)
      log.warn(`an address is not served for other sidecars: ${failure}`);
    log.info(
      `Internal gRPC server is running on ${addresses.map((address) => withPort(address, port)).join(", ")}`,
    );
    const host = reachableAddress(addresses, env);
    for (const resolver of resolvers)
      await resolver.register?.({ appId, namespace, host, port });
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}
