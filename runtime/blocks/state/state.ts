/** The state building block: what the state API means, whatever protocol asks (docs/protocol/state.md). */
import type { MetadataItem } from "../../contracts/metadata.ts";
import type { Explain } from "../../contracts/hide-secrets.ts";
import type { Logger } from "../../shared/log.ts";
import { isTruthy } from "../../shared/units.ts";
import { MetadataError } from "../../contracts/metadata.ts";
import type { StateStore } from "../../contracts/state-store.ts";
import { StateAccess } from "./access.ts";
import { stateErrors } from "./errors.ts";
import { keyPrefix, refusal } from "../../contracts/state-keys.ts";

export type States = ReturnType<typeof createStates>;

export interface StatesOptions {
  appId: string;
  /** `NAMESPACE`; empty when there is none. */
  namespace: string;
  log: Logger;
  /** Why a component is absent although the original has its type. */
  absence?(name: string): string | undefined;
}

export function createStates({
  appId,
  namespace,
  log,
  absence,
}: StatesOptions) {
  const stores = new Map<string, StateAccess>();
  let actorStore: string | undefined;
  return {
    /**
     * `metadata` is the component's, for `keyPrefix` and the like. Throws
     * {@link MetadataError} on a wrong prefix, and on properties whose promise
     * would not be kept. Replaces the store of the same name.
     */
    add(
      name: string,
      store: StateStore,
      metadata: readonly MetadataItem[],
      explain: Explain,
    ) {
      refuseUnkept(metadata);
      const prefix = keyPrefix(metadata, { appId, namespace, store: name });
      if (isTruthy(valueOf(metadata, "actorStateStore"))) {
        if (actorStore !== undefined && actorStore !== name)
          throw new MetadataError(
            `detected duplicate actor state store: ${actorStore} and ${name}`,
          );
        actorStore = name;
        log.info(
          `Using '${name}' as actor state store, once there are actors: this version has none`,
        );
      } else if (actorStore === name) actorStore = undefined;
      stores.set(name, new StateAccess(name, store, prefix, explain));
    },

    /** Removes it, unless another one has replaced it. */
    remove(name: string, store: StateStore) {
      if (!stores.get(name)?.isOf(store)) return;
      stores.delete(name);
      if (actorStore === name) actorStore = undefined;
    },

    has: (name: string): boolean => stores.has(name),

    /** The store of that name. Throws the documented ApiError. */
    of(name: string): StateAccess {
      const found = stores.get(name);
      if (found) return found;
      const why = absence?.(name);
      if (why) throw stateErrors.notFound(name, appId, why);
      throw stores.size === 0
        ? stateErrors.notConfigured(name, appId)
        : stateErrors.notFound(name, appId);
    },
  };
}

const find = (metadata: readonly MetadataItem[], name: string) =>
  metadata.find((item) => item.name.toLowerCase() === name.toLowerCase());

const valueOf = (metadata: readonly MetadataItem[], name: string) =>
  find(metadata, name)?.value;

/** These are refused. To ignore them would be a silent loss: plain text instead of encryption, nothing published. */
function refuseUnkept(metadata: readonly MetadataItem[]) {
  const unkept = {
    primaryEncryptionKey: "encrypted state",
    secondaryEncryptionKey: "encrypted state",
    outboxPublishPubsub: "the outbox",
    outboxPublishTopic: "the outbox",
  };
  for (const [name, what] of Object.entries(unkept)) {
    const item = find(metadata, name);
    if (item)
      throw refusal(
        item,
        `this version of the sidecar has not got ${what}; remove the property to store values as they are`,
      );
  }
}
