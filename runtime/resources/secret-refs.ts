/** `secretKeyRef`: values that a resource takes from a secret store (docs/protocol/resources.md). */
import type { MetadataItem } from "../contracts/metadata.ts";
import { messageOf } from "../shared/message-of.ts";
import type { Logger } from "../shared/log.ts";
import { where } from "../shared/position.ts";
import type { Secret } from "../contracts/secret-store.ts";

/** A secret that a resource asks for. The item keeps its written value until a store fills it. */
export interface SecretRef {
  item: MetadataItem;
  name: string;
  key: string;
  /** Why a cluster's operator could not read a secret of its store; the resource waits until it can. */
  problem?: string;
}

/** Where secrets come from: the secrets block. Scopes do not apply here, as they are about the app. */
export interface SecretSource {
  has(store: string): boolean;
  read(
    store: string,
    name: string,
    metadata?: Record<string, string>,
  ): Promise<Secret>;
}

export interface FillOptions {
  /** Names the resource in messages: `component orders (bindings.kafka/v1)`. */
  owner: string;
  /** `auth.secretStore`. */
  store: string | undefined;
  /** The resource's namespace, in which the Kubernetes store looks. */
  namespace: string;
  secrets: SecretSource;
  log: Logger;
}

/** What a resource lacks and only the operator can give; "" = nothing. */
export const unresolved = (refs: readonly SecretRef[]): string =>
  refs
    .filter(({ problem }) => problem)
    .map(({ item, problem }) => `metadata "${item.name}": ${problem}`)
    .join("; ");

/**
 * Puts the secrets into their items. If one can't be read, its item stays as
 * written, with a warning, as in the original. Returns the reason for each item
 * that stays empty, so that an error about the missing value can tell it.
 */
export async function fillSecrets(
  refs: readonly SecretRef[],
  { owner, store, namespace, secrets, log }: FillOptions,
): Promise<string[]> {
  const gaps: string[] = [];
  const read = new Map<string, Promise<Secret>>();
  for (const { item, name, key } of refs) {
    const missing = (problem: string) => {
      const told = `metadata "${item.name}" (${where(item.at)}): ${problem}`;
      log.warn(`${owner}: ${told}`);
      if (item.value === "") gaps.push(told);
    };
    if (!store) {
      missing(
        `refers to secret "${name}", but auth.secretStore names no store`,
      );
      continue;
    }
    const reading =
      read.get(name) ??
      secrets.read(store, name, namespace ? { namespace } : {});
    read.set(name, reading);
    try {
      const secret = await reading;
      const value = Object.hasOwn(secret, key) ? secret[key] : undefined;
      if (value) {
        item.value = value;
        item.isSecret = true;
      } else
        missing(
          Object.hasOwn(secret, key)
            ? `key "${key}" of secret "${name}" in store "${store}" is empty`
            : `secret "${name}" of store "${store}" has no key "${key}"`,
        );
    } catch (error) {
      missing(
        `secret "${name}" could not be read from store "${store}": ${messageOf(error)}`,
      );
    }
  }
  return gaps;
}
