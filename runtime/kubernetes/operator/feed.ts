/**
 * Changes of one kind on their way to the sidecars that may see them: in order, with secrets resolved. What refers to a Secret that
 * is not there waits for it without holding up the rest.
 */
import type { Logger } from "../../log.ts";
import { eventType, type UpdateEvent } from "../../operator-protocol.ts";
import type { Change, ResourceCache } from "./resource-cache.ts";
import {
  isVisible,
  toJson,
  type Caller,
  type DaprKind,
  type DaprObject,
} from "./resources.ts";
import { MissingSecret, resolveSecrets, type ReadSecret } from "./secrets.ts";

export interface Feed {
  /** JSON of all that the caller may see and whose secrets are there. */
  list(caller: Caller): Promise<Buffer[]>;
  get(namespace: string, name: string): Promise<Buffer | undefined>;
  /** Changes from now on, until the returned function is called. */
  follow(caller: Caller, send: (event: UpdateEvent) => void): () => void;
  stop(): void;
}

interface Follower {
  caller: Caller;
  send: (event: UpdateEvent) => void;
}

const secretsAgainMs = 5_000;

export function openFeed(
  kind: DaprKind,
  cache: ResourceCache<DaprObject>,
  read: ReadSecret,
  log: Logger,
): Feed {
  const followers = new Set<Follower>();
  /** `NAMESPACE/NAME` of what waits for a Secret → what was said about it. */
  const waiting = new Map<string, string>();
  let queue = Promise.resolve();
  const nameOf = ({ metadata }: DaprObject) =>
    `${metadata.namespace}/${metadata.name}`;

  /** Undefined when it has to wait for a Secret. */
  const resolve = async (object: DaprObject): Promise<Buffer | undefined> => {
    try {
      const json = toJson(kind, await resolveSecrets(object, read));
      waiting.delete(nameOf(object));
      return json;
    } catch (error) {
      const { message } = error as Error;
      const next =
        error instanceof MissingSecret
          ? "create it"
          : "it is looked for again by itself";
      if (waiting.get(nameOf(object)) !== message)
        log.error(
          `${kind} ${nameOf(object)} is left out: ${message}; ${next}, and its apps get it within ${secretsAgainMs / 1000} s`,
        );
      waiting.set(nameOf(object), message);
      return undefined;
    }
  };

  const pass = async ({ old, now }: Change<DaprObject>) => {
    const version = now?.metadata.resourceVersion;
    if (old && version && old.metadata.resourceVersion === version) return;
    if (!now) waiting.delete(nameOf(old as DaprObject));
    const json = now && (await resolve(now));
    for (const { caller, send } of followers) {
      const saw = old !== undefined && isVisible(kind, old, caller);
      const sees = now !== undefined && isVisible(kind, now, caller);
      if (sees && json)
        send({ item: json, type: saw ? eventType.updated : eventType.created });
      else if (saw && !sees)
        send({ item: toJson(kind, old), type: eventType.deleted });
    }
  };

  const secretsAgain = async () => {
    for (const name of waiting.keys()) {
      const [namespace = "", object = ""] = name.split("/");
      const now = cache.get(namespace, object);
      const json = now && (await resolve(now));
      if (!now) waiting.delete(name);
      if (!now || !json) continue;
      log.info(`${kind} ${name}: its Secret is there now`);
      for (const { caller, send } of followers)
        if (isVisible(kind, now, caller))
          send({ item: json, type: eventType.created });
    }
  };

  const enqueue = (work: () => Promise<void>) => {
    queue = queue.then(work).catch((error: Error) => {
      log.error(`a change of ${kind} was not passed on: ${error.message}`);
    });
  };
  cache.onChange((change) => enqueue(() => pass(change)));
  const timer = setInterval(() => {
    if (waiting.size > 0) enqueue(secretsAgain);
  }, secretsAgainMs);

  return {
    list: async (caller) => {
      const visible = cache
        .list(caller.namespace)
        .filter((object) => isVisible(kind, object, caller));
      const items = await Promise.all(visible.map(resolve));
      return items.filter((item) => item !== undefined);
    },
    get: async (namespace, name) => {
      const object = cache.get(namespace, name);
      return object && resolve(object);
    },
    follow: (caller, send) => {
      const follower = { caller, send };
      followers.add(follower);
      return () => followers.delete(follower);
    },
    stop: () => clearInterval(timer),
  };
}
