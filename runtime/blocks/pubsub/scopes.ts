/** Which topics of a component the app may publish and subscribe to (docs/protocol/pubsub.md). */
import type { MetadataItem } from "../../contracts/metadata.ts";
import { where } from "../../shared/position.ts";

export interface Scopes {
  mayPublish(topic: string): boolean;
  maySubscribe(topic: string): boolean;
}

const everything: Scopes = {
  mayPublish: () => true,
  maySubscribe: () => true,
};

/** Reads the component's metadata. `warn` is told of entries that protect nothing. */
export function readScopes(
  metadata: readonly MetadataItem[],
  appId: string,
  warn: (problem: string) => void,
): Scopes {
  const find = (name: string) =>
    metadata.find((item) => item.name.toLowerCase() === name.toLowerCase());
  const topics = (name: string) => {
    const value = find(name)?.value;
    return value ? new Set(withoutSpaces(value).split(",")) : undefined;
  };
  const scoped = (name: string) => {
    const item = find(name);
    return item?.value ? ownTopics(item, appId, warn) : undefined;
  };
  const allowed = topics("allowedTopics");
  const guarded = topics("protectedTopics");
  const publishing = scoped("publishingScopes");
  const subscribing = scoped("subscriptionScopes");
  if (!allowed && !guarded && !publishing && !subscribing) return everything;
  const may = (own: Set<string> | undefined) => (topic: string) => {
    if (allowed && !allowed.has(topic)) return false;
    return own ? own.has(topic) : !guarded?.has(topic);
  };
  return { mayPublish: may(publishing), maySubscribe: may(subscribing) };
}

/** `app1=topic1,topic2;app2=`: the topics of an app; undefined if it is not named, so that it may use all that are not protected. */
function ownTopics(
  item: MetadataItem,
  appId: string,
  warn: (problem: string) => void,
): Set<string> | undefined {
  let own: Set<string> | undefined;
  for (const entry of withoutSpaces(item.value).split(";")) {
    if (entry === "") continue;
    const parts = entry.split("=");
    if (parts.length !== 2)
      warn(
        `metadata '${item.name}': ${JSON.stringify(entry)} is not of the form app=topic,topic, so ${parts.length < 2 ? "it protects nothing" : `what follows ${JSON.stringify(`${parts[0]}=${parts[1]}`)} has no effect`} (${where(item.at)})`,
      );
    const [app, topics] = parts;
    if (topics === undefined || app !== appId) continue;
    own ??= new Set();
    for (const topic of topics.split(",")) own.add(topic);
  }
  return own;
}

const withoutSpaces = (value: string) => value.replaceAll(" ", "");
