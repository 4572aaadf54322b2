/** What a name resolver is: it makes this sidecar known and finds the others. */
import type { ComponentDefinition, OpenContext } from "./component.ts";
import type { MetadataTable } from "./metadata.ts";

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

/** Defines a name resolver; generics stop here. */
export function defineNameResolver<T extends MetadataTable>(
  type: string,
  metadata: T,
  open: (context: OpenContext<T>) => Promise<NameResolver>,
): ComponentDefinition<NameResolver> {
  return {
    type,
    versions: ["v1"],
    metadata,
    open: open as unknown as ComponentDefinition<NameResolver>["open"],
  };
}
