/** What every state store reads from a request in the same way. */
import type { DeleteState, SetState } from "../contracts/state-store.ts";

/** An etag that counts: an empty one is none (spec api §2). */
export const etagOf = (request: SetState | DeleteState): string | undefined =>
  request.etag === "" ? undefined : request.etag;

/** A caller that must be the first: first-write without an etag. */
export const mustBeFirst = (request: SetState | DeleteState): boolean =>
  !request.etag && request.options?.concurrency === "first-write";

/** Some 3,000 years: every store can write down when that ends. */
const maxTtl = 100_000_000_000;

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
  const refuse = (why: string): never => {
    throw new Error(
      `error parsing TTL: incorrect value for metadata 'ttlInSeconds': "${text}" is ${why}`,
    );
  };
  if (!/^[+-]?\d+$/.test(text)) refuse("not a whole number of seconds");
  const seconds = Number(text);
  if (seconds < least) refuse(`less than ${least}`);
  if (seconds > maxTtl) refuse(`more than ${maxTtl}; 0 is for good`);
  return seconds;
}

/** RFC 3339 without fractions, as `ttlExpireTime` is given. */
export const expireTimeOf = (ms: number): string =>
  new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
