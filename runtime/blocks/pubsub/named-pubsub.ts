import type { Explain } from "../../contracts/hide-secrets.ts";
import type { PubSub } from "../../contracts/pubsub.ts";
import type { PubSubErrors } from "./errors.ts";
import type { Scopes } from "./scopes.ts";

/** A component with what the block read of its metadata. */
export interface NamedPubSub {
  name: string;
  pubsub: PubSub;
  scopes: Scopes;
  /** Before each topic, as the broker knows it; empty for most components. */
  namespacePrefix: string;
  /** The app's ID unless the metadata name another. */
  consumerID: string;
  explain: Explain;
  errors: PubSubErrors;
}

/** A topic of the broker as the app knows it. */
export const withoutPrefix = (
  topic: string,
  namespacePrefix: string,
): string =>
  topic.startsWith(namespacePrefix)
    ? topic.slice(namespacePrefix.length)
    : topic;
