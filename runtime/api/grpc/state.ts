/** The state methods (docs/protocol/state.md). */
import type {
  DeleteItem,
  SaveItem,
  WrittenOperation,
  WrittenOptions,
} from "../../blocks/state/access.ts";
import { parseQuery } from "../../blocks/state/query.ts";
import type { States } from "../../blocks/state/state.ts";
import { ApiError } from "../../contracts/errors.ts";
import type { StateValue } from "../../contracts/state-store.ts";
import * as common from "../../proto/gen/dapr/proto/common/v1/common.ts";
import * as proto from "../../proto/gen/dapr/proto/runtime/v1/dapr.ts";
import { Empty } from "../../proto/gen/google/protobuf/empty.ts";
import { decode, encode } from "../../shared/json/go-json.ts";
import { messageOf } from "../../shared/message-of.ts";
import { maxEntries } from "../limits.ts";
import { toMap, toRecord } from "./maps.ts";
import { kept, unary, type Methods } from "./method.ts";

export function stateMethods(states: States): Methods {
  return {
    GetState: unary(
      proto.GetStateRequest,
      proto.GetStateResponse,
      async ({ storeName, key, consistency, metadata }, call) => {
        const store = states.of(storeName);
        const entry = await store.get(
          key,
          consistencies[consistency],
          toRecord(metadata),
          call,
        );
        return {
          data: entry ? bytesOf(entry.data) : nothing,
          etag: entry?.etag ?? "",
          metadata: toMap(entry?.metadata),
        };
      },
    ),

    GetBulkState: unary(
      proto.GetBulkStateRequest,
      proto.GetBulkStateResponse,
      async ({ storeName, keys, parallelism, metadata }, call) => {
        const store = states.of(storeName);
        limit(keys);
        // A key that is asked for many times is read, and held, once.
        const once = [...new Set(keys)];
        const found = await store.bulkGet(
          once,
          parallelism,
          toRecord(metadata),
          call,
        );
        const items = found.map(({ key, entry, error = "" }) => ({
          key,
          data: entry ? bytesOf(entry.data) : nothing,
          etag: entry?.etag ?? "",
          metadata: toMap(entry?.metadata),
          error,
        }));
        if (once.length === keys.length) return { items };
        const byKey = new Map(items.map((item) => [item.key, item]));
        return { items: keys.map((key) => byKey.get(key)!) };
      },
    ),

    SaveState: unary(
      proto.SaveStateRequest,
      Empty,
      async ({ storeName, states: items }, call) => {
        const store = states.of(storeName);
        await store.save(limit(items).map(saveItem), call);
        return {};
      },
    ),

    DeleteState: unary(
      proto.DeleteStateRequest,
      Empty,
      async ({ storeName, ...item }, call) => {
        await states.of(storeName).delete(deleteItem(item), call);
        return {};
      },
    ),

    DeleteBulkState: unary(
      proto.DeleteBulkStateRequest,
      Empty,
      async ({ storeName, states: items }, call) => {
        const store = states.of(storeName);
        await store.deleteAll(limit(items).map(deleteItem), call);
        return {};
      },
    ),

    ExecuteStateTransaction: unary(
      proto.ExecuteStateTransactionRequest,
      Empty,
      async ({ storeName, operations, metadata }, call) => {
        const store = states.of(storeName);
        store.requireTransactions();
        await store.transact(
          limit(operations).map(operation),
          toRecord(metadata),
          call,
        );
        return {};
      },
    ),

    QueryStateAlpha1: unary(
      proto.QueryStateRequest,
      proto.QueryStateResponse,
      async ({ storeName, query, metadata }, call) => {
        const store = states.of(storeName);
        store.requireQuery();
        const parsed = parseQuery(storeName, Buffer.from(query));
        const found = await store.query(parsed, toRecord(metadata), call);
        return {
          results: found.results.map(
            ({ key, data, etag = "", error = "" }) => ({
              key,
              data: bytesOf(data),
              etag,
              error,
            }),
          ),
          token: found.token ?? "",
          metadata: toMap(found.metadata),
        };
      },
    ),
  };
}

const nothing = new Uint8Array(0);

const bytesOf = (data: StateValue): Uint8Array =>
  typeof data === "string" ? Buffer.from(data) : data;

function limit<T>(entries: T[]): T[] {
  if (entries.length > maxEntries)
    throw new ApiError("malformedRequest", [
      `${entries.length} entries are more than ${maxEntries}; send them in several requests`,
    ]);
  return entries;
}

const saveItem = (item: common.StateItem): SaveItem => ({
  ...deleteItem(item),
  value: valueOf(item),
});

function deleteItem({
  key,
  etag,
  metadata,
  options,
}: Omit<common.StateItem, "value">): DeleteItem {
  const item: DeleteItem = { key, metadata: toRecord(metadata) };
  if (etag) item.etag = etag.value;
  if (options) item.options = optionsOf(options);
  return item;
}

/** Bytes stay as they are, unless they are said to be JSON. */
function valueOf({ key, value, metadata }: common.StateItem): StateValue {
  if (metadata.get("contentType") !== "application/json") return kept(value);
  try {
    return encode(decode(value));
  } catch (error) {
    throw new ApiError("malformedRequest", [
      `the value of key ${JSON.stringify(key)} is no JSON, as its contentType says: ${messageOf(error)}`,
    ]);
  }
}

/** Words that are neither mean nothing, as in the original. */
const consistencies: Record<number, string> = {
  [common.StateOptions_StateConsistency.CONSISTENCY_EVENTUAL]: "eventual",
  [common.StateOptions_StateConsistency.CONSISTENCY_STRONG]: "strong",
};
const concurrencies: Record<number, string> = {
  [common.StateOptions_StateConcurrency.CONCURRENCY_FIRST_WRITE]: "first-write",
  [common.StateOptions_StateConcurrency.CONCURRENCY_LAST_WRITE]: "last-write",
};

const optionsOf = (options: common.StateOptions): WrittenOptions => ({
  concurrency: concurrencies[options.concurrency] ?? "",
  consistency: consistencies[options.consistency] ?? "",
});

function operation({
  operationType,
  request,
}: proto.TransactionalStateOperation): WrittenOperation {
  const item = request ?? common.StateItem.decode(nothing);
  switch (operationType) {
    case "upsert":
      return { operation: operationType, request: saveItem(item) };
    case "delete":
      return { operation: operationType, request: deleteItem(item) };
    default:
      return { operation: "unknown", name: operationType };
  }
}
