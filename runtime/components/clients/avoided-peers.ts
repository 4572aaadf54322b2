/** Addresses that have just refused a call: for a while others are preferred. */
import type { Peer } from "../../contracts/name-resolver.ts";

/** Longer than the cluster's DNS, or a registry, needs to notice that an instance is gone. */
const avoidedMs = 5000;

export function createAvoidedPeers() {
  const until = new Map<string, number>();
  return {
    add(peer: Peer): void {
      const nowMs = performance.now();
      for (const [key, endMs] of until) if (endMs <= nowMs) until.delete(key);
      until.set(keyOf(peer), nowMs + avoidedMs);
    },
    has(peer: Peer): boolean {
      if (until.size === 0) return false;
      const endMs = until.get(keyOf(peer));
      return endMs !== undefined && performance.now() < endMs;
    },
  };
}

const keyOf = ({ host, port }: Peer) => `${host} ${port}`;
