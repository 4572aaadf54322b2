import type { ClientHttp2Session } from "node:http2";

/** With what the budget leaves, all of them may be called off. */
const requestsAtOnce = 400;

/** How many requests a connection takes at a time; a server may allow none. */
export const allowed = ({ remoteSettings }: ClientHttp2Session): number =>
  Math.min(remoteSettings?.maxConcurrentStreams ?? Infinity, requestsAtOnce);

/** Half of what Node's own server, and so apps of Dapr's SDK for JavaScript, take from one connection: 1,000 at once, then 33 a second. */
const mostResets = 500;
const resetsPerSecond = 33;

/**
 * Returns what counts a request that is called off. A server ends a connection of which too many were, with all its calls, against
 * floods (CVE-2023-44487). So one that comes near that takes no more requests, and ends with those that it has.
 */
export function createResetBudget(session: ClientHttp2Session): () => void {
  let resets = 0;
  let last = performance.now();
  return () => {
    const now = performance.now();
    resets = Math.max(0, resets - ((now - last) / 1000) * resetsPerSecond) + 1;
    last = now;
    if (resets >= mostResets && !session.closed) session.close();
  };
}
