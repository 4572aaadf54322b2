/** The port for other sidecars, told to those who ask for this app. */
import type { Invocation } from "../blocks/invocation.ts";
import type { NameResolver } from "../name-resolver.ts";
import { listenPeers } from "../peers/server.ts";
import { peerAddresses, reachableAddress } from "./addresses.ts";
import type { SidecarOptions } from "./options.ts";

export async function openPeers(
  { flags, env, log }: SidecarOptions,
  namespace: string,
  invocation: Invocation,
  resolvers: readonly NameResolver[],
): Promise<{ close(): Promise<void> }> {
  const addresses = peerAddresses(flags);
  const appId = flags["app-id"];
  const server = await listenPeers({
    addresses,
    port: flags["dapr-internal-grpc-port"],
    appId,
    receive: (request) => invocation.receive(request),
    maxBodyBytes: flags["max-body-size"],
  });
  try {
    const { port, direct } = server;
    log.info(`Internal gRPC server is running on ${addresses[0]}:${port}`);
    const host = reachableAddress(addresses[0]!, env);
    for (const resolver of resolvers)
      await resolver.register?.({ appId, namespace, host, port, direct });
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}
