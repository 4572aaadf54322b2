/**
 * The secrets building block: which stores there are and what the app may read
 * of them (docs/protocol/secrets.md).
 */
import type { Call } from "../../contracts/call.ts";
import type { SecretScope } from "../../contracts/configuration.ts";
import { ApiError } from "../../contracts/errors.ts";
import type { Explain } from "../../contracts/hide-secrets.ts";
import type { Logger } from "../../shared/log.ts";
import { where } from "../../shared/position.ts";
import type { Secret, SecretStore } from "../../contracts/secret-store.ts";

export type Secrets = ReturnType<typeof createSecrets>;

export interface SecretsOptions {
  scopes: SecretScope[];
  /** Why a component is absent although the original has its type. */
  absence?(name: string): string | undefined;
}

export function createSecrets({ scopes, absence }: SecretsOptions) {
  const stores = new Map<string, { store: SecretStore; explain: Explain }>();

  const find = (name: string) => {
    const found = stores.get(name);
    if (found) return found;
    const because = absence?.(name);
    if (because) throw new ApiError("secretStoreNotFound", [name], { because });
    throw stores.size === 0
      ? new ApiError("secretsNotConfigured")
      : new ApiError("secretStoreNotFound", [name]);
  };

  /** A non-empty list of allowed secrets decides alone; else the list of denied ones; else the default. */
  const mayRead = (storeName: string, key: string): boolean => {
    const scope = scopes.find((s) => s.storeName === storeName);
    if (!scope) return true;
    if (scope.allowedSecrets.length > 0)
      return scope.allowedSecrets.includes(key);
    if (scope.deniedSecrets.includes(key)) return false;
    return scope.defaultAccess === "allow";
  };

  return {
    /** Replaces the one of the same name. */
    add(name: string, store: SecretStore, explain: Explain) {
      stores.set(name, { store, explain });
    },

    /** Warns about scopes of stores that do not exist: such a scope protects nothing. Called once all stores are added. */
    tellIdleScopes(log: Logger) {
      for (const { storeName, at } of scopes)
        if (!stores.has(storeName))
          log.warn(
            `spec.secrets.scopes: there is no secret store ${JSON.stringify(storeName)}, so this entry protects nothing; names compare exactly, loaded: ${[...stores.keys()].join(", ") || "none"} (${where(at)})`,
          );
    },

    /** Removes it, unless another one has replaced it. */
    remove(name: string, store: SecretStore) {
      if (stores.get(name)?.store === store) stores.delete(name);
    },

    /** For components: whether a store is there, and a secret without regard to scopes. */
    has: (name: string) => stores.has(name),
    read: async (
      name: string,
      key: string,
      metadata: Record<string, string> = {},
    ): Promise<Secret> => {
      const { store, explain } = find(name);
      try {
        return (await store.get(key, metadata)) ?? {};
      } catch (error) {
        throw new Error(explain(error), { cause: error });
      }
    },

    /** For the app; `undefined` means 204. Rejects with the documented {@link ApiError}. */
    async get(
      storeName: string,
      key: string,
      metadata: Record<string, string>,
      call: Call,
    ): Promise<Secret | undefined> {
      const { store, explain } = find(storeName);
      // The system ends a name at NUL, so it would read another secret than the scope judged.
      if (key.includes("\0"))
        throw new ApiError("secretIllegalKey", [
          JSON.stringify(key),
          storeName,
        ]);
      if (!mayRead(storeName, key))
        throw new ApiError("secretDenied", [key, storeName]);
      try {
        return await store.get(key, metadata, call);
      } catch (error) {
        throw new ApiError("secretGet", [key, storeName, explain(error)], {
          cause: error,
        });
      }
    },

    /** All secrets that the app may read. */
    async bulk(
      storeName: string,
      metadata: Record<string, string>,
      call: Call,
    ): Promise<Record<string, Secret> | undefined> {
      const { store, explain } = find(storeName);
      let all;
      try {
        all = await store.bulk(metadata, call);
      } catch (error) {
        throw new ApiError("secretBulkGet", [storeName, explain(error)], {
          cause: error,
        });
      }
      return (
        all &&
        Object.fromEntries(
          Object.entries(all).filter(([key]) => mayRead(storeName, key)),
        )
      );
    },
  };
}
