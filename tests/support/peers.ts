/** Calls to sidecars, for tests that have no sidecar of their own. */
import type { Peers } from "../../runtime/contracts/invocation.ts";
import { createPeers } from "../../runtime/peers/client.ts";
import { createGrpcPeers } from "../../runtime/peers/grpc/client.ts";
import { createLogger } from "../../runtime/shared/log.ts";

/** Calls as a sidecar makes them: they find out which protocol an address speaks. `lines` gets the log. */
export const openPeers = (maxBodyBytes = 0, lines: string[] = []): Peers =>
  createPeers({
    maxBodyBytes,
    log: createLogger({
      level: "debug",
      json: false,
      appId: "test",
      version: "1",
      write: (line) => lines.push(line),
    }),
  });

/** Calls over gRPC, whatever else the other side speaks. */
export function openGrpcPeers(maxBodyBytes = 0): Peers {
  const grpc = createGrpcPeers({ maxBodyBytes });
  return {
    call: (peer, request) => grpc.wayTo(peer).call(request),
    proxy: (...call) => grpc.proxy(...call),
    close: async () => grpc.close(),
  };
}
