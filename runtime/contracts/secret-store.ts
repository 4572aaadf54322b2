/** What a secret store is: the contract between the secrets building block and the drivers. */
import type { ComponentDefinition, OpenContext } from "./component.ts";
import type { MetadataTable } from "./metadata.ts";

/** A secret is a small map: `{ "redis-password": "…" }`. */
export type Secret = Record<string, string>;

export interface SecretStore {
  features: readonly "MULTIPLE_KEY_VALUES_PER_SECRET"[];
  /** Rejects when there is no such secret: `secret X not found`. Values never stand in an error. */
  get(
    name: string,
    metadata: Record<string, string>,
  ): Promise<Secret | undefined>;
  /** All secrets by name. Like `get`, `undefined` where the store has nothing to say (HTTP 204). */
  bulk(
    metadata: Record<string, string>,
  ): Promise<Record<string, Secret> | undefined>;
  close(): Promise<void>;
}

/** Defines a secret store; generics stop here. */
export function defineSecretStore<T extends MetadataTable>(
  type: string,
  metadata: T,
  open: (context: OpenContext<T>) => Promise<SecretStore>,
): ComponentDefinition<SecretStore> {
  return {
    type,
    versions: ["v1"],
    metadata,
    open: open as unknown as ComponentDefinition<SecretStore>["open"],
  };
}
