/** The pub/sub building block: which components there are, and publishing to them (docs/protocol/pubsub.md). */
import type { Explain } from "../../contracts/hide-secrets.ts";
import type { MetadataItem } from "../../contracts/metadata.ts";
import type { PubSub } from "../../contracts/pubsub.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { pubsubErrors } from "./errors.ts";
import type { NamedPubSub } from "./named-pubsub.ts";
import { Outlet } from "./outlet.ts";
import { isRawPayload } from "./overrides.ts";
import { readScopes } from "./scopes.ts";

export type { NamedPubSub } from "./named-pubsub.ts";

/** Told of components that come and go. One that replaces another comes before the other goes. */
export interface PubSubListener {
  added(named: NamedPubSub): void;
  /** Resolves once it is read no more; it is closed then. */
  removed(named: NamedPubSub): Promise<void>;
}

export interface PubSubsOptions {
  appId: string;
  /** As other sidecars know it. */
  namespace: string;
  log: Logger;
  /** Why a component is absent although the original has its type. */
  absence?(name: string): string | undefined;
}

export type PubSubs = ReturnType<typeof createPubSubs>;

export function createPubSubs({
  appId,
  namespace,
  log,
  absence,
}: PubSubsOptions) {
  const byName = new Map<string, NamedPubSub>();
  /** Also those that have been replaced and are not removed yet. */
  const all = new Map<PubSub, NamedPubSub>();
  const listeners = new Set<PubSubListener>();
  const namespacePrefix = (metadata: readonly MetadataItem[]) =>
    metadata.some((item) => item.isNamespaced) ? namespace : "";

  return {
    /** What a component with these metadata has before each topic. */
    namespacePrefix,

    /** `metadata` is the component's. Replaces the one of the same name. */
    add(
      name: string,
      pubsub: PubSub,
      metadata: readonly MetadataItem[],
      explain: Explain,
    ) {
      const named: NamedPubSub = {
        name,
        pubsub,
        explain,
        errors: pubsubErrors(name, appId),
        scopes: readScopes(metadata, appId, (problem) =>
          log.warn(`component ${name}: ${problem}`),
        ),
        namespacePrefix: namespacePrefix(metadata),
        consumerID: consumerIdOf(metadata) || appId,
      };
      byName.set(name, named);
      all.set(pubsub, named);
      for (const listener of listeners) listener.added(named);
    },

    /** Takes it out of use; resolves once it is read no more. */
    async remove(name: string, pubsub: PubSub) {
      const named = all.get(pubsub);
      if (!named) return;
      all.delete(pubsub);
      if (byName.get(name) === named) byName.delete(name);
      await Promise.all([...listeners].map((one) => one.removed(named)));
    },

    /** Where a request of the app publishes to; `metadata` is the request's. Throws the documented ApiError. */
    outlet(
      name: string,
      topic: string,
      metadata: Record<string, string>,
    ): Outlet {
      const named = byName.get(name);
      const errors = named?.errors ?? pubsubErrors(name, appId);
      if (name === "") throw errors.nameEmpty(metadata);
      if (!named) throw errors.notFound(metadata, absence?.(name));
      if (topic === "") throw errors.topicEmpty(metadata);
      let isRaw;
      try {
        isRaw = isRawPayload(metadata);
      } catch (error) {
        throw errors.metadata(messageOf(error), metadata);
      }
      return new Outlet(named, { appId, topic, metadata, isRaw, errors });
    },

    component: (name: string): NamedPubSub | undefined => byName.get(name),

    /** All that are in use now. */
    components: (): NamedPubSub[] => [...byName.values()],

    /** Returns what ends the listening. */
    onChange(listener: PubSubListener): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const consumerIdOf = (metadata: readonly MetadataItem[]) =>
  metadata
    .find(({ name }) => name.toLowerCase() === "consumerid")
    ?.value.trim();
