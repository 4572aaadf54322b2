/** What differs between the tables of state.postgresql v1 and v2. */
import { MetadataError } from "../../../contracts/metadata.ts";
import type {
  StateFeature,
  StateQuery,
  StateValue,
} from "../../../contracts/state-store.ts";

export interface Migrations {
  /** Row of the metadata table that counts those done. */
  key: string;
  /** Each one or more statements; never changed once released. */
  steps: string[];
}

/** What may be done to a table only with the right for it. */
export const rights = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/** Columns of `get` and `getMany`: key, value, etag, expiry in ms since 1970 or null, and more that toData knows. */
export interface Dialect {
  /** `state.postgresql v1`, for messages. */
  store: string;
  /** As statements name it. */
  table: string;
  /** What says where the table is, to be changed if another has it. */
  tableProperty: string;
  /** A table without these is another's. */
  columns: string[];
  features: StateFeature[];
  migrations: Migrations;
  /** Row of the metadata table that tells the last sweep. */
  cleanupKey: string;
  deleteExpired: string;
  /** $1 = key. */
  get: string;
  /** $1 = array of keys. */
  getMany: string;
  /** $1 = key, $2 = seconds to live or null, then what toValues gives. */
  upsert: string;
  /** $1 = keys, $2 = seconds to live or null, then arrays of what toValues gives. */
  upsertMany: string;
  /** As upsert; changes no row that is there and not expired. */
  insert: string;
  /** As upsert, then the etag. */
  update: string;
  /** $1 = key. */
  delete: string;
  /** $1 = key, $2 = etag. */
  deleteWithEtag: string;
  toValues(value: StateValue): unknown[];
  toData(row: unknown[]): StateValue;
  /** As the database wants it. Throws EtagError where it can't be one. */
  toEtag(etag: string): string;
  /** Where it can: a query as a statement with its values. */
  toQuery?(
    query: StateQuery,
    keyPrefix: string,
  ): { text: string; values: unknown[] };
}

/** A table's name as written, `table`, `schema.table` or quoted. Throws on anything else: it becomes part of statements. */
export function tableName(property: string, written: string): string {
  const part = String.raw`(?:[A-Za-z_][\w$]*|"(?:[^"\0]|"")+")`;
  if (new RegExp(`^(?:${part}\\.)?${part}$`).test(written)) return written;
  throw new MetadataError(
    `metadata '${property}': it makes no name of a table; put it into double quotes if it is meant so`,
    undefined,
    property,
  );
}

/** Seconds as SQL → the time of expiry, or null. */
export const expiry = (seconds: string): string =>
  `CURRENT_TIMESTAMP + make_interval(secs => ${seconds}::float8)`;

/** A column of time as milliseconds since 1970. */
export const inMs = (column: string): string =>
  `(EXTRACT(EPOCH FROM ${column}) * 1000)::float8`;
