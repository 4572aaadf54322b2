/** What every state store reads from a request in the same way. */
import type { DeleteState, SetState } from "../state-store.ts";

/** An etag that counts: an empty one is none (spec api §2). */
export const etagOf = (request: SetState | DeleteState): string | undefined =>
  request.etag === "" ? undefined : request.etag;

/** A caller that must be the first: first-write without an etag. */
export const mustBeFirst = (request: SetState | DeleteState): boolean =>
  !request.etag && request.options?.concurrency === "first-write";

const maxTtl = 2 ** 31 - 1;

/**
 * Seconds of `ttlInSeconds` (exact spelling), `least` or more; undefined when
 * there is none. Throws on anything else.
 */
export function ttlOf(
  metadata: Record<string, string>,
  least = -1,
): number | undefined {
  const text = metadata["ttlInSeconds"];
  if (text === undefined || text === "") return undefined;
  const seconds = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  if (!(seconds >= least && seconds <= maxTtl))
    throw new Error(
      `error parsing TTL: incorrect value for metadata 'ttlInSeconds': "${text}" is not a whole number of seconds${least === -1 ? ", -1 or more" : ""}`,
    );
  return seconds;
}

/** RFC 3339 without fractions, as `ttlExpireTime` is given. */
export const expireTimeOf = (ms: number): string =>
  new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
