/**
 * Calls to other sidecars: by the direct protocol to those of this kind, by the
 * original's internal gRPC to all others. Each is loaded when it is first needed.
 */
import { Readable } from "node:stream";
import type {
  ForwardReply,
  PeerRequest,
  Peers,
} from "../contracts/invocation.ts";
import { CallError } from "../contracts/invocation.ts";
import type { Peer } from "../contracts/name-resolver.ts";
import { createDirectPeers, NotDirect } from "./direct/client.ts";
import { sidecarOf } from "./failures.ts";
import { directVersion } from "./direct/protocol.ts";

export interface PeersOptions {
  /** The limit of a message over gRPC; 0 or less is none. */
  maxBodyBytes: number;
}

export function createPeers(options: PeersOptions): Peers {
  const direct = createDirectPeers();
  let loading: Promise<Peers> | undefined;
  const grpc = () =>
    (loading ??= import("./grpc/client.ts").then(({ createGrpcPeers }) =>
      createGrpcPeers(options),
    ));

  async function callDirect(
    peer: Peer,
    request: PeerRequest,
  ): Promise<ForwardReply> {
    try {
      return await direct.call(peer, request);
    } catch (error) {
      if (!(error instanceof NotDirect)) throw error;
      // Another program listens there by now. A stream that was begun can't be sent again.
      if (request.body instanceof Readable)
        throw new CallError(
          "unavailable",
          `${sidecarOf(request.appId, peer)} is another program by now: ${error.message}; call again`,
          { cause: error },
        );
      return (await grpc()).call(peer, request);
    }
  }

  return {
    call: (peer, request) =>
      peer.direct === directVersion
        ? callDirect(peer, request)
        : grpc().then((peers) => peers.call(peer, request)),
    async close() {
      direct.close();
      await (await loading)?.close();
    },
  };
}
