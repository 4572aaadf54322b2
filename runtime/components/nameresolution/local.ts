/** nameresolution.local: finds the sidecars of this machine and user by a folder of small files. */
import { homedir } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../shared/message-of.ts";
import { text } from "../../contracts/metadata.ts";
import { defineNameResolver } from "../../contracts/name-resolver.ts";
import { createAvoidedPeers } from "../clients/avoided-peers.ts";
import {
  LocalRegistry,
  type RegistryEntry,
} from "../clients/local-registry.ts";

const metadata = {
  path: text(
    "The folder; DAPR_REGISTRY_PATH without it, else `.dapr/sidecars` at DAPR_RUNTIME_PATH or in the home folder.",
  ),
};

/** How long a list is believed if the system does not report changes, and if it does. */
const unwatchedMs = 200;
const watchedMs = 5000;
/** How long an app is believed not to be here, if the system reports changes: reading the folder costs a tenth of a call. */
const absentMs = 50;
const maxKnown = 1000;
/** How long a process is believed to run without asking the system. */
const runningMs = 5;

interface Known {
  entries: { peer: RegistryEntry; seenMs: number }[];
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
    const avoided = createAvoidedPeers();

    function read(appId: string, namespace: string, next: number): Known {
      const isWatched = registry.watch(() => known.clear());
      const seenMs = performance.now();
      const entries = registry
        .find(appId, namespace)
        .map((peer) => ({ peer, seenMs }));
      const [hereMs, awayMs] = isWatched
        ? [watchedMs, absentMs]
        : [unwatchedMs, 0];
      const believedMs = entries.length > 0 ? hereMs : awayMs;
      return { entries, next, untilMs: seenMs + believedMs };
    }

    /** The next sidecar in turn that runs and is not avoided. */
    function pick(list: Known, nowMs: number): RegistryEntry | undefined {
      const { entries } = list;
      let last: RegistryEntry | undefined;
      for (let i = 0; i < entries.length; i++) {
        const entry = entries[list.next++ % entries.length]!;
        const { peer } = entry;
        if (nowMs - entry.seenMs > runningMs) {
          if (!registry.isRunning(peer)) continue;
          entry.seenMs = nowMs;
        }
        if (!avoided.has(peer)) return peer;
        last ??= peer;
      }
      return last;
    }

    return {
      async register(self) {
        try {
          await registry.add(self);
        } catch (error) {
          log.warn(
            `other sidecars of this machine can't find this one: ${messageOf(error)}; set DAPR_REGISTRY_PATH to a folder that can be written`,
          );
        }
      },
      async resolve(appId, namespace) {
        const key = `${namespace} ${appId}`;
        const list = known.get(key);
        const nowMs = performance.now();
        if (list && nowMs < list.untilMs) {
          const peer = pick(list, nowMs);
          if (peer || list.entries.length === 0) return peer;
        }
        const fresh = read(appId, namespace, list?.next ?? 0);
        // Nothing is kept for apps that do not exist: there may be any number of names.
        if (known.size >= maxKnown) known.clear();
        known.set(key, fresh);
        return pick(fresh, nowMs);
      },
      forget(_appId, _namespace, peer) {
        avoided.add(peer);
      },
      async close() {
        registry.close();
        known.clear();
      },
    };
  },
);
