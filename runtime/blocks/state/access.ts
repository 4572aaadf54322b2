/** One state store as apps use it: keys prefixed, requests checked, failures reported as documented (docs/protocol/state.md). */
import type { Call } from "../../contracts/call.ts";
import { ApiError } from "../../contracts/errors.ts";
import type {
  DeleteState,
  GetState,
  KeyPage,
  QueryResult,
  SetState,
  StateEntry,
  StateOperation,
  StateOptions,
  StateStore,
} from "../../contracts/state-store.ts";
import type { Explain } from "../../contracts/hide-secrets.ts";
import { stateErrors, storeErrors } from "./errors.ts";
import { isLegalKey, originalKey } from "../../contracts/state-keys.ts";
import { checkQuery } from "./query.ts";

/** Options as a caller wrote them; {@link StateAccess} refuses unknown ones. */
export interface WrittenOptions {
  concurrency?: string;
  consistency?: string;
}

export type SaveItem = Omit<SetState, "options"> & { options?: WrittenOptions };
export type DeleteItem = Omit<DeleteState, "options"> & {
  options?: WrittenOptions;
};

/** `operation` is the caller's word; `upsert` and `delete` are known. */
export type WrittenOperation =
  | { operation: "upsert"; request: SaveItem }
  | { operation: "delete"; request: DeleteItem }
  | { operation: "unknown"; name: string };

export interface BulkItem {
  key: string;
  entry?: StateEntry;
  error?: string;
}

/** All methods reject with {@link ApiError}. Keys are the app's own, without the prefix. */
export class StateAccess {
  readonly name: string;
  readonly #store: StateStore;
  readonly #prefix: string;
  readonly #explain: Explain;
  readonly #errors: ReturnType<typeof storeErrors>;

  constructor(
    name: string,
    store: StateStore,
    prefix: string,
    explain: Explain,
  ) {
    this.name = name;
    this.#store = store;
    this.#prefix = prefix;
    this.#explain = explain;
    this.#errors = storeErrors(name, explain);
  }

  isOf(store: StateStore): boolean {
    return this.#store === store;
  }

  #key(key: string): string {
    const full = this.#legal(key);
    const refusal = this.#refusal(key, full);
    if (refusal) throw refusal;
    return full;
  }

  #legal(key: string): string {
    if (!isLegalKey(key)) throw stateErrors.illegalKey(this.name, key);
    return this.#prefix + key;
  }

  #refusal(key: string, full: string): ApiError | undefined {
    const why = this.#store.refuseKey?.(full);
    return why === undefined
      ? undefined
      : stateErrors.keyRefused(this.name, key, why);
  }

  /** Undefined when there is none. */
  async get(
    key: string,
    consistency: string | undefined,
    metadata: GetState["metadata"],
    call: Call,
  ): Promise<StateEntry | undefined> {
    const request: GetState = { key: this.#key(key), metadata };
    // The original passes any other word on to stores, which ignore it.
    if (consistency === "strong" || consistency === "eventual")
      request.consistency = consistency;
    try {
      return await this.#store.get(request, call);
    } catch (error) {
      throw this.#errors.get(key, error);
    }
  }

  /** Saves each item by itself: some may be stored although others are refused. */
  async save(items: readonly SaveItem[], call: Call): Promise<void> {
    const requests = items.map((item) => this.#setRequest(item));
    const failures =
      requests.length === 1
        ? await this.#setOne(requests[0]!, call)
        : await this.#setAll(requests, call);
    if (failures.length > 0) throw this.#errors.save(items.length, failures);
  }

  #setRequest(item: SaveItem): SetState {
    if (item.key === "") throw stateErrors.missingKey();
    const key = this.#key(item.key);
    try {
      checkOptions(item.options);
    } catch (error) {
      throw this.#errors.save(1, [error]);
    }
    return { ...(item as SetState), key };
  }

  async #setOne(request: SetState, call: Call): Promise<unknown[]> {
    try {
      await this.#store.set(request, call);
      return [];
    } catch (error) {
      return [error];
    }
  }

  async #setAll(requests: SetState[], call: Call): Promise<unknown[]> {
    if (requests.length === 0) return [];
    if (!this.#store.bulkSet) {
      const last = new Map<string, Promise<unknown[]>>();
      const all = requests.map((request) => {
        // Items of one key go one after the other, so that the last value stays.
        const before = last.get(request.key);
        const done = before
          ? before.then(() => this.#setOne(request, call))
          : this.#setOne(request, call);
        last.set(request.key, done);
        return done;
      });
      return (await Promise.all(all)).flat();
    }
    try {
      const failures = await this.#store.bulkSet(requests, call);
      return failures.filter((failure) => failure !== undefined);
    } catch (error) {
      return [error];
    }
  }

  async delete(item: DeleteItem, call: Call): Promise<void> {
    const request = { ...(item as DeleteState), key: this.#key(item.key) };
    try {
      checkOptions(item.options);
      await this.#store.delete(request, call);
    } catch (error) {
      throw this.#errors.delete(item.key, error);
    }
  }

  /** Deletes each item by itself: some may be gone although others are refused. */
  async deleteAll(items: readonly DeleteItem[], call: Call): Promise<void> {
    const requests = items.map((item) => {
      const key = this.#key(item.key);
      checkOptions(item.options);
      return { ...(item as DeleteState), key };
    });
    const failures = await this.#deleteAll(requests, call).catch(
      (error: unknown) => [error],
    );
    if (failures.length > 0)
      throw this.#errors.deleteBulk(items.length, failures);
  }

  async #deleteAll(requests: DeleteState[], call: Call): Promise<unknown[]> {
    if (requests.length === 0) return [];
    const failures = this.#store.bulkDelete
      ? await this.#store.bulkDelete(requests, call)
      : await Promise.all(
          requests.map((request) =>
            this.#store.delete(request, call).catch((error: Error) => error),
          ),
        );
    return failures.filter((failure) => failure !== undefined);
  }

  /** Answers in the order of `keys`. If the store has no bulk call, at most `parallelism` keys are read at a time; 0 or less is no limit. */
  async bulkGet(
    keys: readonly string[],
    parallelism: number,
    metadata: GetState["metadata"],
    call: Call,
  ): Promise<BulkItem[]> {
    const refused = new Map<string, string>();
    const requests: GetState[] = [];
    for (const key of keys) {
      const full = this.#legal(key);
      // A key that the store can't hold is an error of that key alone.
      const refusal = this.#refusal(key, full);
      if (refusal) refused.set(key, refusal.message);
      else requests.push({ key: full, metadata });
    }
    let found: (StateEntry | Error | undefined)[];
    try {
      found =
        requests.length === 0
          ? []
          : this.#store.bulkGet
            ? await this.#store.bulkGet(requests, call)
            : await this.#getAll(requests, parallelism, call);
    } catch (error) {
      throw this.#errors.bulkGet(error);
    }
    let next = 0;
    return keys.map((key) => {
      const why = refused.get(key);
      if (why !== undefined) return { key, error: why };
      const entry = found[next++];
      if (entry instanceof Error) return { key, error: this.#explain(entry) };
      return entry ? { key, entry } : { key };
    });
  }

  async #getAll(requests: GetState[], parallelism: number, call: Call) {
    const found: (StateEntry | Error | undefined)[] = [];
    let next = 0;
    const worker = async () => {
      for (let i = next++; i < requests.length; i = next++)
        found[i] = await this.#store
          .get(requests[i]!, call)
          .catch((error: Error) => error);
    };
    const workers = parallelism > 0 ? parallelism : requests.length;
    await Promise.all(
      Array.from({ length: Math.min(workers, requests.length) }, worker),
    );
    return found;
  }

  /** Throws if the store has no transactions; called before a body is read. */
  requireTransactions(): void {
    if (!this.#store.features.includes("TRANSACTIONAL"))
      throw stateErrors.noTransactions(this.name);
  }

  async transact(
    written: readonly WrittenOperation[],
    metadata: Record<string, string>,
    call: Call,
  ): Promise<void> {
    this.requireTransactions();
    if (written.length === 0) return;
    const operations = written.map((one) => this.#operation(one));
    const most = this.#store.maxTransactionOperations ?? Infinity;
    if (operations.length > most)
      throw stateErrors.tooManyOperations(this.name, operations.length, most);
    try {
      for (const { request } of operations) checkOptions(request.options);
      await this.#store.transact!(operations, metadata, call);
    } catch (error) {
      throw this.#errors.transaction(error);
    }
  }

  #operation(written: WrittenOperation): StateOperation {
    if (written.operation === "unknown")
      throw stateErrors.operation(written.name);
    const { operation, request } = written;
    if (request.key === "") throw stateErrors.missingKey();
    return {
      operation,
      request: { ...request, key: this.#key(request.key) },
    } as StateOperation;
  }

  /** Throws if the store can't be queried; called before a body is read. */
  requireQuery(): void {
    if (!this.#store.query) throw stateErrors.noQuery(this.name);
  }

  /** A page of the keys that this app may have saved, with their prefix; `after` is the `next` of the page before. */
  async keys(
    after: string | undefined,
    limit: number,
    call: Call,
  ): Promise<KeyPage> {
    if (!this.#store.keys) throw stateErrors.noKeys(this.name);
    try {
      return await this.#store.keys(this.#prefix, after, limit, call);
    } catch (error) {
      throw this.#errors.keys(error);
    }
  }

  /** `query` is the parsed body; result keys are the app's own. */
  async query(
    query: unknown,
    metadata: Record<string, string>,
    call: Call,
  ): Promise<QueryResult> {
    this.requireQuery();
    try {
      const found = await this.#store.query!(
        checkQuery(query),
        metadata,
        this.#prefix,
        call,
      );
      return {
        ...found,
        results: found.results.map((one) => ({
          ...one,
          key: originalKey(one.key),
        })),
      };
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw this.#errors.query(error);
    }
  }
}

function checkOptions(
  options: WrittenOptions | undefined,
): asserts options is StateOptions | undefined {
  if (options === undefined) return;
  const { consistency, concurrency } = options;
  if (consistency && consistency !== "strong" && consistency !== "eventual")
    throw new Error(`unrecognized consistency model '${consistency}'`);
  if (
    concurrency &&
    concurrency !== "first-write" &&
    concurrency !== "last-write"
  )
    throw new Error(`unrecognized concurrency model '${concurrency}'`);
}
