/** state.in-memory: gone with the process; for tests and first steps (docs/protocol/state.md). */
import { randomUUID } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import {
  defineStateStore,
  EtagError,
  type DeleteState,
  type SetState,
  type StateEntry,
  type StateOperation,
  type StateStore,
  type StateValue,
} from "../../contracts/state-store.ts";
import { isOwnKey } from "../../contracts/state-keys.ts";
import { etagOf, expireTimeOf, mustBeFirst, ttlOf } from "../state-requests.ts";

interface Item {
  data: StateValue;
  etag: string;
  /** Milliseconds since 1970; undefined = never. */
  expires: number | undefined;
}

const sweepMs = 1000;
/** After so many keys other requests get their turn. */
const turnKeys = 10_000;

export const inMemory = defineStateStore("state.in-memory", {}, async () =>
  openInMemory(),
);

/** `now` is a clock in milliseconds, so that tests need not wait. */
export function openInMemory(now: () => number = Date.now): StateStore {
  const items = new Map<string, Item>();
  /** Keys with an expiry, so that a sweep need not look at all others. */
  const mortal = new Set<string>();
  const timer = setInterval(sweep, sweepMs).unref();

  function sweep() {
    for (const key of mortal) find(key);
  }

  function find(key: string): Item | undefined {
    const item = items.get(key);
    if (item?.expires === undefined || item.expires > now()) return item;
    remove(key);
    return undefined;
  }

  function check(request: SetState | DeleteState) {
    const item = find(request.key);
    if (mustBeFirst(request) && item)
      throw new EtagError(
        "mismatch",
        new Error("item already exists and no etag was passed"),
      );
    const etag = etagOf(request);
    if (etag === undefined || item?.etag === etag) return;
    throw new EtagError(
      "mismatch",
      new Error(
        item
          ? `state etag not match for key=${request.key}: current=${item.etag}, expect=${etag}`
          : `state not exist or expired for key=${request.key}`,
      ),
    );
  }

  /** Milliseconds since 1970; a TTL of 0 or less is none. */
  const expiryOf = ({ metadata }: SetState): number | undefined => {
    const ttl = ttlOf(metadata, -Infinity) ?? 0;
    return ttl > 0 ? now() + ttl * 1000 : undefined;
  };

  function put({ key, value }: SetState, expires: number | undefined) {
    items.set(key, { data: value, etag: randomUUID(), expires });
    if (expires === undefined) mortal.delete(key);
    else mortal.add(key);
  }

  function remove(key: string) {
    items.delete(key);
    mortal.delete(key);
  }

  const entryOf = (key: string): StateEntry | undefined => {
    const item = find(key);
    return (
      item && {
        data: item.data,
        etag: item.etag,
        ...(item.expires === undefined
          ? {}
          : { metadata: { ttlExpireTime: expireTimeOf(item.expires) } }),
      }
    );
  };

  return {
    features: [
      "ETAG",
      "TRANSACTIONAL",
      "TTL",
      "DELETE_WITH_PREFIX",
      "KEYS_LIKE",
    ],
    async get({ key }) {
      return entryOf(key);
    },
    async bulkGet(requests) {
      return requests.map(({ key }) => entryOf(key));
    },
    async set(request) {
      const expires = expiryOf(request);
      check(request);
      put(request, expires);
    },
    async delete(request) {
      check(request);
      remove(request.key);
    },
    /** All operations are checked against the state before, and only then done. */
    async transact(operations: StateOperation[]) {
      const expiries = operations.map((one) =>
        one.operation === "upsert" ? expiryOf(one.request) : undefined,
      );
      for (const { request } of operations) check(request);
      operations.forEach((one, i) => {
        if (one.operation === "upsert") put(one.request, expiries[i]);
        else remove(one.request.key);
      });
    },
    async keys(prefix, after = "", limit) {
      /** The first ones by their text, in no order. */
      let first: string[] = [];
      const shorten = () => (first = first.toSorted(byText).slice(0, limit));
      let seen = 0;
      for (const key of items.keys()) {
        if (++seen % turnKeys === 0) await nextTurn();
        if (key <= after || !isOwnKey(key, prefix) || !find(key)) continue;
        first.push(key);
        if (first.length > 2 * limit) shorten();
      }
      const keys = shorten();
      return { keys, next: keys.length < limit ? null : keys.at(-1)! };
    },
    async close() {
      clearInterval(timer);
      items.clear();
      mortal.clear();
    },
  };
}

const byText = (one: string, other: string) =>
  one < other ? -1 : one > other ? 1 : 0;
