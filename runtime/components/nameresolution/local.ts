/** nameresolution.local: the sidecars of this machine and user, by a folder of small files. */
import { homedir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { text } from "../../metadata.ts";
import { defineNameResolver, type Peer } from "../../name-resolver.ts";
import {
  LocalRegistry,
  type RegistryEntry,
} from "../clients/local-registry.ts";

const metadata = {
  path: text(
    "The folder; DAPR_REGISTRY_PATH without it, else `.dapr/sidecars` at DAPR_RUNTIME_PATH or in the home folder.",
  ),
};

/** How long a list is believed where nothing tells of changes, and where something does. */
const unwatchedMs = 200;
const watchedMs = 5000;
/** One that did not answer comes last for so long. */
const avoidedMs = 5000;

interface Known {
  entries: RegistryEntry[];
  next: number;
  untilMs: number;
}

export const local = defineNameResolver(
  "nameresolution.local",
  metadata,
  async ({ meta, env, log }) => {
    const folder =
      meta.path ??
      env["DAPR_REGISTRY_PATH"] ??
      join(env["DAPR_RUNTIME_PATH"] || homedir(), ".dapr", "sidecars");
    const registry = new LocalRegistry(folder);
    const known = new Map<string, Known>();
    const avoided = new Map<string, number>();

    function read(appId: string, namespace: string): Known {
      const isWatched = registry.watch(() => known.clear());
      const list = {
        entries: registry.find(appId, namespace),
        next: 0,
        untilMs: performance.now() + (isWatched ? watchedMs : unwatchedMs),
      };
      return list;
    }

    /** The next in turn that runs and is not avoided. */
    function pick(list: Known): RegistryEntry | undefined {
      const { entries } = list;
      let last: RegistryEntry | undefined;
      for (let i = 0; i < entries.length; i++) {
        const entry = entries[list.next++ % entries.length]!;
        if (!registry.isRunning(entry)) continue;
        if (avoided.size === 0 || !isAvoided(entry)) return entry;
        last ??= entry;
      }
      return last;
    }

    function isAvoided(peer: Peer): boolean {
      const until = avoided.get(keyOf(peer));
      if (until === undefined) return false;
      if (performance.now() < until) return true;
      avoided.delete(keyOf(peer));
      return false;
    }

    return {
      async register(self) {
        try {
          registry.add(self);
        } catch (error) {
          log.warn(
            `other sidecars of this machine can't find this one: ${messageOf(error)}; set DAPR_REGISTRY_PATH to a folder that can be written`,
          );
        }
      },
      async resolve(appId, namespace) {
        const key = `${namespace} ${appId}`;
        const list = known.get(key);
        if (list && performance.now() < list.untilMs) {
          const peer = pick(list);
          if (peer) return peer;
        }
        const fresh = read(appId, namespace);
        fresh.next = list?.next ?? 0;
        // An app that is not there is looked for each time: it may come any moment.
        if (fresh.entries.length > 0) known.set(key, fresh);
        else known.delete(key);
        return pick(fresh);
      },
      forget(_appId, _namespace, peer) {
        avoided.set(keyOf(peer), performance.now() + avoidedMs);
      },
      async close() {
        registry.close();
        known.clear();
      },
    };
  },
);

const keyOf = ({ host, port }: Peer) => `${host} ${port}`;
