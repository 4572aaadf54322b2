/**
 * Calls to other sidecars: by the direct protocol to those of this kind, by the
 * original's internal gRPC to all others, which is loaded when it is first needed. Nobody is told beforehand which one an
 * address speaks: a first connection finds out, and calls follow once that is known.
 */
import { Readable } from "node:stream";
import type {
  ForwardReply,
  PeerRequest,
  Peers,
} from "../contracts/invocation.ts";
import type { OnGrpcCall } from "../contracts/call.ts";
import { CallError } from "../contracts/invocation.ts";
import type { Peer } from "../contracts/name-resolver.ts";
import { GreetingError } from "../net/http1/greeting.ts";
import { withPort } from "../shared/addresses.ts";
import type { Logger } from "../shared/log.ts";
import { unlessAborted } from "../shared/unless-aborted.ts";
import { openDirect } from "./direct/client.ts";
import { unreachable } from "./failures.ts";
import type { Way } from "./way.ts";

export interface PeersOptions {
  /** The limit of a message over gRPC; 0 or less is none. */
  maxBodyBytes: number;
  onGrpcCall?: OnGrpcCall | undefined;
  log: Logger;
}

/** What did not answer a greeting in time may just have been slow: it is greeted anew after so long. */
const silentMs = 30_000;

export function createPeers({
  maxBodyBytes,
  onGrpcCall,
  log,
}: PeersOptions): Peers {
  /** By address. */
  const ways = new Map<string, Way>();
  const opening = new Map<string, Promise<Way>>();
  let loading: ReturnType<typeof loadGrpc> | undefined;

  async function loadGrpc() {
    const { createGrpcPeers } = await import("./grpc/client.ts");
    return createGrpcPeers({ maxBodyBytes, onGrpcCall });
  }

  /** The one place that decides which protocol it is. */
  async function open(
    peer: Peer,
    appId: string,
    address: string,
  ): Promise<Way> {
    try {
      const way = await openDirect(peer, appId);
      log.debug(`the sidecar at ${address} speaks the direct protocol`);
      return way;
    } catch (error) {
      if (!(error instanceof GreetingError)) throw error;
      log.debug(
        `the sidecar at ${address} is called by gRPC: ${error.message}`,
      );
      const grpc = await (loading ??= loadGrpc());
      const way = grpc.wayTo(peer);
      const untilMs = error.isSilent ? performance.now() + silentMs : Infinity;
      return {
        ...way,
        isTrue: () => way.isTrue() && performance.now() < untilMs,
      };
    }
  }

  /** Calls to one address share what is found there. */
  function find(peer: Peer, appId: string, address: string): Promise<Way> {
    for (const [known, way] of ways) if (!way.isTrue()) forget(known, way);
    let found = opening.get(address);
    if (!found) {
      found = open(peer, appId, address);
      opening.set(address, found);
      found
        .then((way) => ways.set(address, way))
        .finally(() => opening.delete(address))
        .catch(() => {}); // its callers tell
    }
    return found;
  }

  function forget(address: string, way: Way) {
    if (ways.get(address) === way) ways.delete(address);
    way.leave();
  }

  async function call(
    peer: Peer,
    request: PeerRequest,
    isAgain = false,
  ): Promise<ForwardReply> {
    const { appId, body, signal } = request;
    const address = withPort(peer.host, peer.port);
    let way = ways.get(address);
    if (!way?.isTrue()) {
      // The body may fail meanwhile; who reads it is told.
      if (body instanceof Readable) body.on("error", () => {});
      way = await unlessAborted(find(peer, appId, address), signal);
    }
    try {
      return await way.call(request);
    } catch (error) {
      const isOther = error instanceof GreetingError;
      // Another program may have its port by now, so no connection is kept. But it
      // may just be ending, and still be working on the calls it has.
      if (isOther || (error instanceof CallError && error.unsent))
        forget(address, way);
      if (!isOther) throw error;
      if (isAgain) throw unreachable(appId, peer, error.message, error);
      return call(peer, request, true);
    }
  }

  return {
    call: (peer, request) => call(peer, request),
    async proxy(...call) {
      return (await (loading ??= loadGrpc())).proxy(...call);
    },
    async close() {
      for (const way of ways.values()) way.close();
      ways.clear();
      (await loading)?.close();
    },
  };
}
