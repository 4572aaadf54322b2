/**
 * One connection to the shared database file: WAL, short immediate
 * transactions, waiting for other processes, and the tables.
 */
import { statSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { makeFolder } from "../../../../shared/files/make-folder.ts";
import { explain, FileGone } from "../errors.ts";
import { patiently as waitPatiently } from "../patiently.ts";

export interface DatabaseOptions {
  /** False: a commit survives a killed process, but the last ones may be lost with the power. */
  fullSync: boolean;
  maxSizeBytes: number;
}

/** Bumped when the tables change; a newer file is refused. */
const schemaVersion = 1;

// A message's rowid is its partition's id and its offset in one number: one
// b-tree, no index, and a partition is read by a plain range.
export const offsetsPerPartition = 2 ** 38;

const schema = `
CREATE TABLE log_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO log_meta VALUES ('version', ${schemaVersion}), ('generation', 0);
CREATE TABLE log_partition (
  id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL, next INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic, number));
CREATE TABLE log_message (
  id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, key TEXT, headers TEXT, value BLOB);
CREATE TABLE log_share (
  grp TEXT NOT NULL, partition INTEGER NOT NULL, committed INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 0,
  owner TEXT, seen_at INTEGER NOT NULL, PRIMARY KEY (grp, partition)) WITHOUT ROWID;
CREATE TABLE log_member (
  id TEXT PRIMARY KEY, grp TEXT NOT NULL, topics TEXT NOT NULL, machine TEXT NOT NULL, pid INTEGER NOT NULL,
  started TEXT NOT NULL, lease_until_ms REAL NOT NULL) WITHOUT ROWID;
`;

const patienceMs = 5000;
const patiently = <T>(step: () => T): T => waitPatiently(step, patienceMs);

export class Database {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #inode: number;
  readonly #fullSync: boolean;
  readonly #statements = new Map<string, StatementSync>();
  #synced: boolean | undefined;
  #dataVersion = -1;

  constructor(path: string, options: DatabaseOptions) {
    this.path = path;
    this.#fullSync = options.fullSync;
    makeFolder(dirname(path));
    this.#db = patiently(() => new DatabaseSync(path, { timeout: 0 }));
    try {
      const mode = this.one("PRAGMA journal_mode = WAL")!["journal_mode"];
      if (mode !== "wal")
        throw new Error(
          `${path}: this file system has no shared memory; put it on a local disk`,
        );
      const pageSize = Number(this.one("PRAGMA page_size")!["page_size"]);
      const pages = Math.max(64, Math.floor(options.maxSizeBytes / pageSize));
      this.#db.exec(
        `PRAGMA max_page_count = ${pages}; PRAGMA journal_size_limit = 16777216`,
      );
      this.write(() => this.#prepareTables(), { durable: true });
      this.#inode = statSync(path).ino;
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  #prepareTables(): void {
    const found = this.one(
      "SELECT 1 FROM sqlite_master WHERE name = 'log_meta'",
    );
    if (!found) return this.#db.exec(schema);
    const version = this.one(
      "SELECT value FROM log_meta WHERE key = 'version'",
    );
    if (version?.["value"] !== schemaVersion)
      throw new Error(
        `${this.path}: its tables have version ${version?.["value"]}, this sidecar knows ${schemaVersion}; use one release for all sidecars of a run`,
      );
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement)
      this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  one(sql: string, ...values: Value[]): Row | undefined {
    return patiently(() => this.#prepare(sql).get(...values)) as
      Row | undefined;
  }

  all(sql: string, ...values: Value[]): Row[] {
    return patiently(() => this.#prepare(sql).all(...values)) as Row[];
  }

  /** Gives rows until `take` says stop; then the read snapshot ends too. */
  each(sql: string, values: Value[], take: (row: Row) => boolean): void {
    for (const row of patiently(() => this.#prepare(sql).iterate(...values)))
      if (!take(row as Row)) break;
  }

  /** Number of rows changed. */
  run(sql: string, ...values: Value[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  /**
   * One immediate transaction. Without `durable` a power cut may undo it: for
   * bookkeeping, where an older state only means that messages come again.
   */
  write<T>(step: () => T, { durable }: { durable: boolean }): T {
    this.#sync(durable && this.#fullSync);
    patiently(() => this.#db.exec("BEGIN IMMEDIATE"));
    try {
      const result = step();
      patiently(() => this.#db.exec("COMMIT"));
      return result;
    } catch (error) {
      // A full disk rolls back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #sync(full: boolean): void {
    if (this.#synced === full) return;
    this.#db.exec(`PRAGMA synchronous = ${full ? "FULL" : "NORMAL"}`);
    this.#synced = full;
  }

  /** True when another process has committed since the last call. */
  changedElsewhere(): boolean {
    const version = Number(this.one("PRAGMA data_version")!["data_version"]);
    const changed = version !== this.#dataVersion;
    this.#dataVersion = version;
    return changed;
  }

  /**
   * Tells the other processes that something was committed: they watch the time
   * stamp of the WAL file. Also notices that the file was deleted or replaced;
   * then what was just written is lost.
   */
  announce(): void {
    try {
      if (statSync(this.path).ino === this.#inode) {
        const now = Date.now() / 1000;
        return utimesSync(`${this.path}-wal`, now, now);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    throw new FileGone(
      `${this.path}: deleted or replaced while in use; what was just written is lost`,
    );
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }
}

export type Value = string | number | null | Uint8Array;
export type Row = Record<string, string | number | null | Uint8Array>;

/** Opens the file; errors name it and say what to do. */
export function openDatabase(path: string, options: DatabaseOptions): Database {
  try {
    return new Database(path, options);
  } catch (error) {
    throw explain(error, path);
  }
}
