/**
 * Changes of one kind on their way to the sidecars that may see them: in order, with secrets resolved. An object that refers to a
 * missing Secret says so in place of the value, and comes again once the Secret exists. Other objects are not held up.
 */
import type { Logger } from "../../shared/log.ts";
import { eventType, type UpdateEvent } from "../../proto/operator-methods.ts";
import type { Change, ResourceCache } from "./resource-cache.ts";
import {
  isVisible,
  toJson,
  type Caller,
  type DaprKind,
  type DaprObject,
} from "./resources.ts";
import { resolveSecrets, type ReadSecret } from "./secrets.ts";

export interface Feed {
  /** JSON of all that the caller may see. */
  list(caller: Caller): Promise<Buffer[]>;
  /** JSON of one object; `undefined` if it does not exist or the caller may not see it. */
  get(caller: Caller, name: string): Promise<Buffer | undefined>;
  /** Gives changes from now on, until the returned function is called. */
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
  /** By `NAMESPACE/NAME` of an object that waits for a Secret: what was said about it. */
  const waiting = new Map<string, string>();
  let queue = Promise.resolve();
  const nameOf = ({ metadata }: DaprObject) =>
    `${metadata.namespace}/${metadata.name}`;

  const resolve = async (object: DaprObject) => {
    const resolved = await resolveSecrets(object, read);
    const { problem } = resolved;
    return { json: toJson(kind, resolved.object), problem };
  };
  /** Noted only when it reaches all followers: one sidecar's list must not take away what others wait for. */
  const note = (name: string, problem: string) => {
    const before = waiting.get(name);
    if (problem === (before ?? "")) return;
    if (problem) {
      log.error(
        `${kind} ${name} waits: ${problem}; its apps are told within ${secretsAgainMs / 1000} s`,
      );
      waiting.set(name, problem);
    } else {
      log.info(`${kind} ${name}: its Secret is there now`);
      waiting.delete(name);
    }
  };

  const pass = async ({ old, now }: Change<DaprObject>) => {
    const version = now?.metadata.resourceVersion;
    if (old && version && old.metadata.resourceVersion === version) return;
    if (!now) waiting.delete(nameOf(old as DaprObject));
    const fresh = now && (await resolve(now));
    if (fresh) note(nameOf(now), fresh.problem);
    for (const { caller, send } of followers) {
      const saw = old !== undefined && isVisible(kind, old, caller);
      const sees = now !== undefined && isVisible(kind, now, caller);
      if (sees && fresh)
        send({
          item: fresh.json,
          type: saw ? eventType.updated : eventType.created,
        });
      else if (saw && !sees)
        send({ item: toJson(kind, old), type: eventType.deleted });
    }
  };

  const secretsAgain = async () => {
    for (const [name, before] of waiting) {
      const [namespace = "", object = ""] = name.split("/");
      const now = cache.get(namespace, object);
      if (!now) {
        waiting.delete(name);
        continue;
      }
      const { json, problem } = await resolve(now);
      if (problem === before) continue;
      note(name, problem);
      for (const { caller, send } of followers)
        if (isVisible(kind, now, caller))
          send({ item: json, type: eventType.updated });
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
      return Promise.all(
        visible.map(async (object) => {
          const { json, problem } = await resolve(object);
          if (problem && !waiting.has(nameOf(object)))
            note(nameOf(object), problem);
          return json;
        }),
      );
    },
    get: async (caller, name) => {
      const object = cache.get(caller.namespace, name);
      if (!object || !isVisible(kind, object, caller)) return undefined;
      return (await resolve(object)).json;
    },
    follow: (caller, send) => {
      const follower = { caller, send };
      followers.add(follower);
      return () => followers.delete(follower);
    },
    stop: () => clearInterval(timer),
  };
}
