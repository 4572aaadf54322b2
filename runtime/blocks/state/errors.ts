/** The state API's errors with their details (docs/protocol/state.md). */
import {
  ApiError,
  badRequest,
  errorInfo,
  helpLink,
  resourceInfo,
} from "../../contracts/errors.ts";
import type { Explain } from "../../contracts/hide-secrets.ts";
import { originalKey } from "../../contracts/state-keys.ts";
import { EtagError, UnfitError } from "../../contracts/state-store.ts";

const state = (store: string) => resourceInfo("state", store);

/** 409 for an etag that does not match, 400 for one that can't and for a value that does not fit, 500 for all else. */
const byCause = <const N extends string>(name: N, error: unknown) => {
  if (error instanceof EtagError && error.kind === "mismatch")
    return `${name}Mismatch` as const;
  return error instanceof EtagError || error instanceof UnfitError
    ? (`${name}Refused` as const)
    : name;
};

/** A long key would not fit into the headers in which gRPC tells an error. */
const shown = (key: string) =>
  JSON.stringify(key.length > 100 ? `${key.slice(0, 100)}…` : key);

export const stateErrors = {
  notConfigured: (store: string, appID: string) =>
    new ApiError("stateNotConfigured", [store], {
      details: [errorInfo("DAPR_STATE_NOT_CONFIGURED", { appID })],
    }),

  notFound: (store: string, appID: string, because?: string) =>
    new ApiError("stateNotFound", [store], {
      because,
      details: [errorInfo("DAPR_STATE_NOT_FOUND", { appID })],
    }),

  illegalKey: (store: string, key: string) =>
    new ApiError("stateIllegalKey", [key], {
      details: (message) => [
        badRequest(key, message),
        state(store),
        errorInfo("DAPR_STATE_ILLEGAL_KEY"),
      ],
    }),

  keyRefused: (store: string, key: string, why: string) =>
    new ApiError("stateKeyRefused", [store, shown(key), why], {
      details: [state(store), errorInfo("DAPR_STATE_ILLEGAL_KEY")],
    }),

  missingKey: () => new ApiError("stateMissingKey"),

  operation: (name: string) =>
    new ApiError("stateOperationNotSupported", [name]),

  noTransactions: (store: string) =>
    new ApiError("stateNoTransactions", [store], {
      details: [
        helpLink(
          "https://docs.dapr.io/reference/components-reference/supported-state-stores/",
          "Check the list of state stores and the features they support",
        ),
        state(store),
        errorInfo("DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED"),
      ],
    }),

  tooManyOperations: (store: string, count: number, most: number) =>
    new ApiError("stateTooManyOperations", [`${count}`, `${most}`], {
      details: [
        state(store),
        errorInfo("DAPR_STATE_TOO_MANY_TRANSACTIONS", {
          currentOpsTransaction: `${count}`,
          maxOpsPerTransaction: `${most}`,
        }),
      ],
    }),

  noKeys: (store: string) => new ApiError("stateNoKeys", [store]),

  noQuery: (store: string) =>
    new ApiError("stateNoQuery", [], {
      details: [state(store), errorInfo("DAPR_STATE_QUERYING_NOT_SUPPORTED")],
    }),

  query: (store: string, text: string, cause: unknown) =>
    new ApiError("stateQuery", [store, text], {
      cause,
      details: [state(store), errorInfo("DAPR_STATE_QUERY_FAILED")],
    }),
};

/** Errors of the store itself, in the words of `explain`. */
export const storeErrors = (store: string, explain: Explain) => ({
  get: (key: string, cause: unknown) =>
    new ApiError("stateGet", [key, store, explain(cause)], { cause }),

  bulkGet: (cause: unknown) =>
    new ApiError("stateBulkGet", [explain(cause)], { cause }),

  /** Of so many items, these failed. */
  save: (items: number, causes: readonly unknown[]) =>
    several("stateSave", store, explain, items, causes),

  deleteBulk: (items: number, causes: readonly unknown[]) =>
    several("stateDeleteBulk", store, explain, items, causes),

  delete: (key: string, cause: unknown) =>
    new ApiError(byCause("stateDelete", cause), [key, explain(cause)], {
      cause,
    }),

  transaction(cause: unknown): ApiError {
    if (isUnfitKey(cause)) return unfitKey(store, explain, cause);
    const name =
      cause instanceof UnfitError
        ? "stateTransactionRefused"
        : "stateTransaction";
    return new ApiError(name, [explain(cause)], { cause });
  },

  keys: (cause: unknown) =>
    new ApiError("stateKeys", [store, explain(cause)], { cause }),

  query: (cause: unknown) => stateErrors.query(store, explain(cause), cause),
});

const isUnfitKey = (error: unknown): error is UnfitError =>
  error instanceof UnfitError && error.part === "key";

const unfitKey = (store: string, explain: Explain, error: UnfitError) =>
  stateErrors.keyRefused(store, originalKey(error.key), explain(error));

/**
 * All failures are listed. One about an etag decides, a malformed one before one that does not match if there is no other failure. Without one
 * it is 400 only if the caller is to blame for each; the first key that does not fit is told alone.
 */
function several(
  name: "stateSave" | "stateDeleteBulk",
  store: string,
  explain: Explain,
  items: number,
  causes: readonly unknown[],
): ApiError {
  const etags = causes.filter((one) => one instanceof EtagError);
  const areAll = etags.length === causes.length;
  const etag =
    (areAll && etags.find(({ kind }) => kind === "invalid")) || etags[0];
  const cause =
    etag ?? causes.find((one) => !(one instanceof UnfitError)) ?? causes[0];
  const key = cause instanceof UnfitError && causes.find(isUnfitKey);
  if (key) return unfitKey(store, explain, key);
  const text = listed(causes.map(explain));
  // The original says it once for all, and once for each.
  const told =
    etag && areAll && items > 1
      ? `${new EtagError(etag.kind).message}: ${text}`
      : text;
  return new ApiError(byCause(name, cause), [store, told], { cause });
}

/** gRPC tells an error in headers, which take no longer list. */
const listedChars = 8 * 1024;

function listed(texts: readonly string[]): string {
  let chars = 0;
  const fit = texts.filter(
    ({ length }, i) => (chars += length + 1) <= listedChars || i === 0,
  );
  const left = texts.length - fit.length;
  return left === 0 ? fit.join("\n") : `${fit.join("\n")}\nand ${left} more`;
}
