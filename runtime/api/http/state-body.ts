/** The bodies of the state API, read as the original reads them (docs/protocol/state.md). */
import type {
  DeleteItem,
  SaveItem,
  WrittenOperation,
} from "../../blocks/state/access.ts";
import { ApiError } from "../../contracts/errors.ts";
import { decodeFirst, encode } from "../../shared/json/go-json.ts";
import { limited, listOf, Members, said } from "./go-members.ts";

export interface BulkBody {
  keys: string[];
  /** 0 or less is no limit. */
  parallelism: number;
  metadata: Record<string, string>;
}

export interface TransactionBody {
  operations: WrittenOperation[];
  metadata: Record<string, string>;
}

/** An array of items; null is an empty one. Throws {@link ApiError}. */
export function parseSave(bytes: Uint8Array): SaveItem[] {
  try {
    const parsed = decodeFirst(bytes);
    return listOf(parsed, "[]state.SetRequest").map(saveItem);
  } catch (error) {
    // The original's words about a wrong type have none before them.
    throw new ApiError(
      error instanceof SyntaxError ? "malformedBody" : "malformedRequest",
      [said(error)],
    );
  }
}

export function parseBulk(bytes: Uint8Array): BulkBody {
  return parse(bytes, "http.BulkGetRequest", (members) => ({
    keys: limited(members.list("keys", "[]string")).map((key) =>
      members.text("keys", key),
    ),
    parallelism: members.wholeNumber("parallelism"),
    metadata: members.metadata(),
  }));
}

export function parseTransaction(bytes: Uint8Array): TransactionBody {
  return parse(bytes, "http.stateTransactionRequestBody", (members) => ({
    operations: limited(
      members.list("operations", "[]http.stateTransactionRequestBodyOperation"),
    ).map(operationOf),
    metadata: members.metadata(),
  }));
}

function parse<T>(
  bytes: Uint8Array,
  type: string,
  read: (members: Members) => T,
): T {
  try {
    return read(new Members(decodeFirst(bytes) ?? {}, type));
  } catch (error) {
    throw new ApiError("malformedBody", [said(error)]);
  }
}

const saveItem = (item: unknown): SaveItem =>
  setRequest(new Members(item ?? {}, "state.SetRequest", "SetRequest"));

function setRequest(members: Members): SaveItem {
  members.text("contentType"); // only its type is checked: no store uses it
  const request: SaveItem = {
    key: members.text("key"),
    value: encode(members.get("value") ?? null),
    metadata: members.metadata(),
  };
  return addConditions(request, members);
}

function addConditions<T extends SaveItem | DeleteItem>(
  request: T,
  members: Members,
): T {
  const etag = members.get("etag");
  if (etag !== undefined && etag !== null)
    request.etag = members.text("etag", etag);
  const written = members.get("options");
  if (written !== undefined && written !== null) {
    const options = new Members(written, "state.Options", "Options");
    request.options = {
      concurrency: options.text("concurrency"),
      consistency: options.text("consistency"),
    };
  }
  return request;
}

function operationOf(written: unknown): WrittenOperation {
  const members = new Members(
    written ?? {},
    "http.stateTransactionRequestBodyOperation",
  );
  const operation = members.text("operation");
  if (operation !== "upsert" && operation !== "delete")
    return { operation: "unknown", name: operation };
  const request = new Members(
    members.get("request") ?? {},
    "map[string]interface {}",
    "Request",
  );
  if (operation === "upsert")
    return { operation, request: setRequest(request) };
  const { key, metadata } = {
    key: request.text("key"),
    metadata: request.metadata(),
  };
  return { operation, request: addConditions({ key, metadata }, request) };
}
