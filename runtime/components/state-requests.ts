/** What all state stores read from a request in the same way. */
import type { DeleteState, SetState } from "../contracts/state-store.ts";

/** The etag of a request; an empty one is none (docs/protocol/state.md). */
export const etagOf = (request: SetState | DeleteState): string | undefined =>
  request.etag === "" ? undefined : request.etag;

/** Whether the caller must be the first to write: first-write without an etag. */
export const mustBeFirst = (request: SetState | DeleteState): boolean =>
  !request.etag && request.options?.concurrency === "first-write";

/** Some 3,000 years: all stores can represent when that ends. */
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
