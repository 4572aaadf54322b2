/** What differs between the tables of state.postgresql v1 and v2. */
import { MetadataError } from "../../../contracts/metadata.ts";
import type {
  StateFeature,
  StateQuery,
  StateValue,
} from "../../../contracts/state-store.ts";

export interface Migrations {
  /** The row of the metadata table that counts the steps that are done. */
  key: string;
  /** Each step has one or more statements; a released step is never changed. */
  steps: string[];
}

/** The rights that a user needs on a table. */
export const rights = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/** Columns of `get` and `getMany`: key, value, etag, expiry in ms since 1970 or null, and more that toData knows. */
export interface Dialect {
  /** `state.postgresql v1`, for messages. */
  store: string;
  /** The table's name in statements. */
  table: string;
  /** The property that names the table, to be changed if another has that table. */
  tableProperty: string;
  /** A table without these columns belongs to another program. */
  columns: string[];
  features: StateFeature[];
  migrations: Migrations;
  /** The row of the metadata table that has the time of the last sweep. */
  cleanupKey: string;
  deleteExpired: string;
  /** $1 = key. */
  get: string;
  /** $1 = array of keys. */
  getMany: string;
  /** $1 = prefix, $2 = the key before, or empty, $3 = how many. */
  list: string;
  /** $1 = key, $2 = seconds to live or null, then what toValues gives. */
  upsert: string;
  /** $1 = keys, $2 = seconds to live or null, then arrays of what toValues gives. */
  upsertMany: string;
  /** As upsert, but changes no existing row that has not expired. */
  insert: string;
  /** As upsert, then the etag. */
  update: string;
  /** $1 = key. */
  delete: string;
  /** $1 = key, $2 = etag. */
  deleteWithEtag: string;
  toValues(value: StateValue): unknown[];
  toData(row: unknown[]): StateValue;
  /** The etag as the database wants it. Throws an EtagError if it can't be one. */
  toEtag(etag: string): string;
  /** A query as a statement with its values; absent if the version has no queries. */
  toQuery?(
    query: StateQuery,
    keyPrefix: string,
  ): { text: string; values: unknown[] };
}

/** Checks a table's name: `table`, `schema.table` or quoted. Throws on anything else, as the name becomes part of statements. */
export function tableName(property: string, written: string): string {
  const part = String.raw`(?:[A-Za-z_][\w$]*|"(?:[^"\0]|"")+")`;
  if (new RegExp(`^(?:${part}\\.)?${part}$`).test(written)) return written;
  throw new MetadataError(
    `metadata '${property}': it makes no name of a table; put it into double quotes if it is meant so`,
    undefined,
    property,
  );
}

/** SQL for whether `key` is one that the app of this prefix may have saved; `prefix` is SQL too. */
export const isOwn = (prefix: string): string =>
  `left(key, length(${prefix})) = ${prefix} AND strpos(substr(key, length(${prefix}) + 1), '||') = 0`;

/** SQL for a page of keys, in the order of their index. */
export const listKeys = (table: string, alive: string): string =>
  `SELECT key FROM ${table} WHERE key > $2 AND ${alive} AND ${isOwn("$1::text")} ORDER BY key LIMIT $3::int`;

/** SQL for the time of expiry, or null, from SQL for seconds. */
export const expiry = (seconds: string): string =>
  `CURRENT_TIMESTAMP + make_interval(secs => ${seconds}::float8)`;

/** SQL for a time column as milliseconds since 1970. */
export const inMs = (column: string): string =>
  `(EXTRACT(EPOCH FROM ${column}) * 1000)::float8`;
