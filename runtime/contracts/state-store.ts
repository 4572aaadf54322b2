/**
 * What a state store is: the contract between the state building block and the
 * drivers. Keys are already prefixed (`nodeapp||order`); drivers never look
 * inside them.
 */
import type { Call } from "./call.ts";
import { definer } from "./component.ts";

/** The features that `/v1.0/metadata` lists; the block checks them before it offers a route. */
export type StateFeature =
  | "ETAG"
  | "TRANSACTIONAL"
  | "QUERY_API"
  | "TTL"
  | "DELETE_WITH_PREFIX"
  | "KEYS_LIKE";

/** A value as it is stored. A text is JSON; bytes (from gRPC) pass through unchanged. */
export type StateValue = string | Uint8Array;

export interface StateOptions {
  concurrency?: "first-write" | "last-write";
  consistency?: "eventual" | "strong";
}

export interface GetState {
  key: string;
  consistency?: StateOptions["consistency"];
  metadata: Record<string, string>;
}

/** What a get found. `metadata` holds e.g. `ttlExpireTime` (RFC 3339). */
export interface StateEntry {
  data: StateValue;
  etag?: string;
  metadata?: Record<string, string>;
}

export interface SetState {
  key: string;
  value: StateValue;
  /** Present if the caller gave one, even an empty one. */
  etag?: string;
  options?: StateOptions;
  /** e.g. `ttlInSeconds`, `contentType`. */
  metadata: Record<string, string>;
}

export interface DeleteState {
  key: string;
  etag?: string;
  options?: StateOptions;
  metadata: Record<string, string>;
}

export type StateOperation =
  | { operation: "upsert"; request: SetState }
  | { operation: "delete"; request: DeleteState };

/** `filter`, `sort` and `page` as the query API gives them, checked by the block for shape only. A number that float64 would change is a `Digits`. */
export interface StateQuery {
  filter?: Record<string, unknown>;
  sort?: { key: string; order?: string }[];
  page?: { limit?: number; token?: string };
}

export interface QueryResult {
  results: { key: string; data: StateValue; etag?: string; error?: string }[];
  token?: string;
  metadata?: Record<string, string>;
}

export interface KeyPage {
  keys: string[];
  /** How to ask for the page behind this one, which may be empty; null behind the last one. */
  next: string | null;
}

/**
 * A state store. The optional methods are capabilities: without `bulkGet`,
 * `bulkSet` and `bulkDelete` the block makes parallel single calls; `transact`
 * goes with the feature TRANSACTIONAL, `query` with QUERY_API.
 *
 * All methods reject with an {@link EtagError} if an etag does not match or can't
 * be one, with an {@link UnfitError} if the store can't hold a key or its value, and
 * with a plain, readable Error for all else. `call` is whoever waits for the answer:
 * a store that can stop its work ends it when the caller goes.
 */
export interface StateStore {
  features: readonly StateFeature[];
  /** Why the store can't hold this key, or would change it; undefined if it can, or if only a write tells. Called before any other method. */
  refuseKey?(key: string): string | undefined;
  get(request: GetState, call?: Call): Promise<StateEntry | undefined>;
  set(request: SetState, call?: Call): Promise<void>;
  delete(request: DeleteState, call?: Call): Promise<void>;
  /** Results in the order of `requests`: `undefined` for a missing key, an Error for one that failed. */
  bulkGet?(
    requests: GetState[],
    call?: Call,
  ): Promise<(StateEntry | Error | undefined)[]>;
  /** Results in the order of `requests`: `undefined` for one that was stored, else its Error. */
  bulkSet?(requests: SetState[], call?: Call): Promise<(Error | undefined)[]>;
  bulkDelete?(
    requests: DeleteState[],
    call?: Call,
  ): Promise<(Error | undefined)[]>;
  /** Does all or nothing, as far as the store can. */
  transact?(
    operations: StateOperation[],
    metadata: Record<string, string>,
    call?: Call,
  ): Promise<void>;
  /** The most operations of one transaction; no limit if absent. */
  maxTransactionOperations?: number;
  /** Finds keys with `keyPrefix` and no further `||`: those that the asking app may have saved. */
  query?(
    query: StateQuery,
    metadata: Record<string, string>,
    keyPrefix: string,
    call?: Call,
  ): Promise<QueryResult>;
  /**
   * Lists keys with `keyPrefix` and no further `||`, about `limit` of them, or fewer. `after` is the `next` of the page
   * before. A key that is saved meanwhile may be missing, and one may come twice. For who looks, not for apps.
   */
  keys?(
    keyPrefix: string,
    after: string | undefined,
    limit: number,
    call?: Call,
  ): Promise<KeyPage>;
  /** Waits for calls under way, then closes its connections. */
  close(): Promise<void>;
}

/** An etag that does not match what is stored (`mismatch`), or that this store could never have given (`invalid`). */
export class EtagError extends Error {
  override name = "EtagError";
  readonly kind: "mismatch" | "invalid";

  constructor(kind: "mismatch" | "invalid", cause?: unknown) {
    const text =
      kind === "mismatch"
        ? "possible etag mismatch. error from state store"
        : "invalid etag value";
    super(cause instanceof Error ? `${text}: ${cause.message}` : text, {
      cause,
    });
    this.kind = kind;
  }
}

/** A key, or the value of that key, that the store can't hold. Trying again does not help. */
export class UnfitError extends Error {
  override name = "UnfitError";
  readonly part: "key" | "value";
  /** As the store got it, with its prefix. */
  readonly key: string;

  constructor(part: "key" | "value", key: string, cause: Error) {
    super(cause.message, { cause });
    this.part = part;
    this.key = key;
  }
}

export const defineStateStore = definer<StateStore>();
