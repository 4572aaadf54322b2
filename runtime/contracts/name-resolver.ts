/** What a name resolver is: it makes this sidecar known and finds the others. */
import { definer } from "./component.ts";

/** Where a sidecar takes calls of other sidecars. */
export interface Peer {
  /** An IP address or a host name, without brackets. */
  host: string;
  /** Its port for other sidecars (`--dapr-internal-grpc-port`). */
  port: number;
}

/** This sidecar, as others should find it. */
export interface Registration extends Peer {
  appId: string;
  namespace: string;
}

export interface NameResolver {
  /** Makes this sidecar known until `close`. */
  register?(self: Registration): Promise<void>;
  /** Finds a sidecar of the app; `undefined` if this resolver knows none. Rejects if it can't ask. */
  resolve(appId: string, namespace: string): Promise<Peer | undefined>;
  /** To be called when the peer did not answer: others are preferred for a while, or it is left out until it is seen again. */
  forget?(appId: string, namespace: string, peer: Peer): void;
  /** Withdraws the registration. */
  close(): Promise<void>;
}

export const defineNameResolver = definer<NameResolver>();
