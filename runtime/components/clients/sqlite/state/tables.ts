/** The tables of a state database, as the original's migration 1 makes them (docs/protocol/sqlite.md). */
import type { DatabaseSync } from "node:sqlite";
import type { StateFileOptions } from "./protocol.ts";

type Names = Pick<StateFileOptions, "table" | "metadataTable" | "label">;

export function areThere(
  db: DatabaseSync,
  { table, metadataTable }: Names,
): boolean {
  const found = db
    .prepare("SELECT 1 FROM sqlite_master WHERE name IN (?, ?)")
    .all(table, metadataTable);
  return found.length === 2;
}

const columns = [
  "key",
  "value",
  "is_binary",
  "etag",
  "expiration_time",
  "update_time",
];

/** Throws if the table belongs to another program, or does not exist. */
export function mustBeOwn(db: DatabaseSync, { table, label }: Names): void {
  const found = db
    .prepare("SELECT name FROM pragma_table_info(?)")
    .all(table)
    .map(({ name }) => name);
  if (found.length === 0)
    throw new Error(
      `${label}: there is no table ${table}, and mode=ro makes none; open it once without mode=ro, or correct tableName`,
    );
  const missing = columns.filter((name) => !found.includes(name));
  if (missing.length > 0)
    throw new Error(
      `${label}: table ${table} is there and is none of state.sqlite: it lacks ${missing.join(", ")}; name another in tableName`,
    );
}

/** Creates what is missing, inside a transaction. A migration level that a later release wrote stays. */
export function createTables(
  db: DatabaseSync,
  { table, metadataTable, label }: Names,
): void {
  db.exec(
    `CREATE TABLE IF NOT EXISTS ${metadataTable} (key text NOT NULL PRIMARY KEY, value text NOT NULL)`,
  );
  const level = db
    .prepare(`SELECT value FROM ${metadataTable} WHERE key = 'migrations'`)
    .get()?.["value"];
  if (level !== undefined && !/^\d+$/.test(String(level)))
    throw new Error(
      `${label}: invalid migration level found in metadata table: ${level}`,
    );
  db.exec(
    `CREATE TABLE IF NOT EXISTS ${table} (
      key TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL,
      is_binary BOOLEAN NOT NULL,
      etag TEXT NOT NULL,
      expiration_time TIMESTAMP DEFAULT NULL,
      update_time TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)`,
  );
  db.exec(
    `INSERT OR IGNORE INTO ${metadataTable} (key, value) VALUES ('migrations', '1')`,
  );
}
