/** What a name resolver is: it makes this sidecar known and finds the others. */
import { definer } from "./component.ts";

/** Where a sidecar takes calls of other sidecars. */
export interface Peer {
  /** An IP address or a host name, without brackets. */
  host: string;
  /** Its internal gRPC port. */
  port: number;
  /** What it speaks besides the original's internal gRPC, if the resolver knows: our own protocol's version. */
  direct?: string;
}

/** This sidecar, as others should find it. */
export interface Registration extends Peer {
  appId: string;
  namespace: string;
}

export interface NameResolver {
  /** Makes this sidecar known until `close`. */
  register?(self: Registration): Promise<void>;
  /** Finds a sidecar of the app; `undefined` when this resolver knows none. Rejects when it can't ask. */
  resolve(appId: string, namespace: string): Promise<Peer | undefined>;
  /** The peer did not answer: others come before it for a while, or it is not given before it is seen anew. */
  forget?(appId: string, namespace: string, peer: Peer): void;
  /** Withdraws the registration. */
  close(): Promise<void>;
}

/** The namespace of this sidecar: `NAMESPACE`, else `default`. */
export const ownNamespace = (
  env: Readonly<Record<string, string | undefined>>,
): string => env["NAMESPACE"] || "default";

export const defineNameResolver = definer<NameResolver>();
