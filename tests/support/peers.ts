/** Calls to other sidecars without a sidecar of one's own. */
import type { Peers } from "../../runtime/contracts/invocation.ts";
import { createPeers } from "../../runtime/peers/client.ts";
import { createGrpcPeers } from "../../runtime/peers/grpc/client.ts";
import { createLogger } from "../../runtime/shared/log.ts";

/** Those of a sidecar, which find out what an address speaks. `lines` gets its log. */
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

/** They take gRPC, whatever the other side speaks beside it. */
export function openGrpcPeers(maxBodyBytes = 0): Peers {
  const grpc = createGrpcPeers({ maxBodyBytes });
  return {
    call: (peer, request) => grpc.wayTo(peer).call(request),
    proxy: (...call) => grpc.proxy(...call),
    close: async () => grpc.close(),
  };
}
