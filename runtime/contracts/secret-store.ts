/** What a secret store is: the contract between the secrets building block and the drivers. */
import type { Call } from "./call.ts";
import { definer } from "./component.ts";

/** A secret is a small map: `{ "redis-password": "…" }`. */
export type Secret = Record<string, string>;

export interface SecretStore {
  features: readonly "MULTIPLE_KEY_VALUES_PER_SECRET"[];
  /** Rejects if there is no such secret: `secret X not found`. An error never contains a value. */
  get(
    name: string,
    metadata: Record<string, string>,
    call?: Call,
  ): Promise<Secret | undefined>;
  /** All secrets by name. Like `get`, it gives `undefined` if the store has none (HTTP 204). */
  bulk(
    metadata: Record<string, string>,
    call?: Call,
  ): Promise<Record<string, Secret> | undefined>;
  close(): Promise<void>;
}

export const defineSecretStore = definer<SecretStore>();
