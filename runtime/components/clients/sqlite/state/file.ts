/**
 * A state database as the original keeps it (docs/protocol/sqlite.md): the same
 * tables, columns and texts, so that a file written by either is read by the other.
 */
import { randomUUID } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { StateValue } from "../../../../contracts/state-store.ts";
import {
  code,
  FileGone,
  isBusy,
  LockedError,
  Mismatch,
  sqliteCode,
} from "../errors.ts";
import { patiently } from "../patiently.ts";
import { areThere, createTables, mustBeOwn } from "./tables.ts";
import type { FoundRow, StateFileOptions, StateWrite } from "./protocol.ts";

const alive =
  "(expiration_time IS NULL OR expiration_time > CURRENT_TIMESTAMP)";
/** How many rows one step of a sweep removes; others write between two steps. */
const sweepRows = 1000;

export class StateFile {
  readonly #db: DatabaseSync;
  readonly #options: StateFileOptions;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #putFirst: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #deleteIf: StatementSync;
  #inode: number | undefined;
  /** For a file that was opened as one that nobody writes: when it was written last. */
  readonly #frozenAt: number | undefined;

  /** Opens a file that can't be opened otherwise as one that nobody writes; see {@link isStale}. */
  static open(options: StateFileOptions): StateFile {
    try {
      return new StateFile(options, false);
    } catch (error) {
      const { isReadOnly, path } = options;
      // A write-ahead log needs a second file. If there is none and it can't be made, nobody writes.
      const isBare =
        isReadOnly &&
        path !== undefined &&
        [code.readonly, code.cantOpen].includes(sqliteCode(error) as 8) &&
        existsSync(path) &&
        !existsSync(`${path}-wal`);
      if (!isBare) throw error;
      return new StateFile(options, true);
    }
  }

  private constructor(options: StateFileOptions, isFrozen: boolean) {
    this.#options = options;
    const { location, path, isReadOnly, table } = options;
    if (isFrozen) this.#frozenAt = statSync(path!).mtimeMs;
    this.#db = new DatabaseSync(
      isFrozen ? `${location}&immutable=1` : location,
      { readOnly: isReadOnly, timeout: 0 },
    );
    try {
      this.#configure();
      if (!isReadOnly) this.#migrate();
      mustBeOwn(this.#db, options);
      const columns =
        "(key, value, is_binary, etag, update_time, expiration_time)";
      // Without a modifier there is no expiry: DATETIME(…, NULL) is NULL.
      const values =
        "?, ?, ?, ?, CURRENT_TIMESTAMP, DATETIME(CURRENT_TIMESTAMP, ?)";
      this.#get = this.#db.prepare(
        `SELECT value, is_binary, etag, expiration_time FROM ${table} WHERE key = ? AND ${alive}`,
      );
      this.#get.setReturnArrays(true);
      this.#put = this.#db.prepare(
        `INSERT OR REPLACE INTO ${table} ${columns} VALUES (${values})`,
      );
      this.#putFirst = this.#db.prepare(
        `INSERT OR REPLACE INTO ${table} ${columns} SELECT ${values} WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE key = ? AND ${alive})`,
      );
      this.#update = this.#db.prepare(
        `UPDATE ${table} SET value = ?, is_binary = ?, etag = ?, update_time = CURRENT_TIMESTAMP, expiration_time = DATETIME(CURRENT_TIMESTAMP, ?) WHERE key = ? AND etag = ? AND ${alive}`,
      );
      this.#delete = this.#db.prepare(`DELETE FROM ${table} WHERE key = ?`);
      this.#deleteIf = this.#db.prepare(
        `DELETE FROM ${table} WHERE key = ? AND etag = ?`,
      );
      this.verify();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  #patiently<T>(step: () => T): T {
    return patiently(step, this.#options.busyTimeoutMs);
  }

  #configure(): void {
    const { path, isReadOnly, useWal, pragmas, label } = this.#options;
    if (!isReadOnly) {
      const wanted = path === undefined ? "memory" : useWal ? "wal" : "delete";
      const mode = this.#patiently(() =>
        this.#db.prepare(`PRAGMA journal_mode = ${wanted}`).get(),
      )!["journal_mode"];
      if (mode !== wanted)
        throw new Error(
          `${label}: this file system has no shared memory, which the write-ahead log needs; put the file on a local disk or set disableWAL: "true"`,
        );
    }
    for (const pragma of pragmas) this.#patiently(() => this.#db.exec(pragma));
  }

  #migrate(): void {
    const hasTables = this.#patiently(() => areThere(this.#db, this.#options));
    // Exclusive, as several sidecars may start at once.
    if (!hasTables)
      this.transaction(
        () => createTables(this.#db, this.#options),
        undefined,
        "EXCLUSIVE",
      );
  }

  /** Runs `step` as one transaction, durable when this returns. Throws a {@link LockedError} if it can't begin within the busy timeout. */
  transaction<T>(
    step: () => T,
    forMs = this.#options.busyTimeoutMs,
    kind = "IMMEDIATE",
  ): T {
    try {
      patiently(() => this.#db.exec(`BEGIN ${kind}`), forMs);
    } catch (error) {
      throw isBusy(error) ? new LockedError(error as Error) : error;
    }
    try {
      const result = step();
      this.#patiently(() => this.#db.exec("COMMIT"));
      return result;
    } catch (error) {
      // A full disk rolls back by itself.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** True if it was opened as a file that nobody writes, but somebody does. */
  get isStale(): boolean {
    if (this.#frozenAt === undefined) return false;
    const path = this.#options.path!;
    return (
      existsSync(`${path}-wal`) ||
      statSync(path, { throwIfNoEntry: false })?.mtimeMs !== this.#frozenAt
    );
  }

  /** False once an error has rolled back the whole transaction. */
  get isInTransaction(): boolean {
    return this.#db.isTransaction;
  }

  /** Runs a part of a transaction; if it fails, only this part is undone. */
  part(step: () => void): void {
    this.#db.exec("SAVEPOINT part");
    try {
      step();
    } catch (error) {
      if (this.#db.isTransaction)
        this.#db.exec("ROLLBACK TO part; RELEASE part");
      throw error;
    }
    this.#db.exec("RELEASE part");
  }

  /** Throws {@link FileGone} if the file was deleted or replaced, so that what was just written is lost. */
  verify(): void {
    const { path, label } = this.#options;
    if (path === undefined) return;
    const inode = statSync(path, { throwIfNoEntry: false })?.ino;
    this.#inode ??= inode;
    if (inode === undefined || inode !== this.#inode)
      throw new FileGone(
        `${label}: deleted or replaced while in use; what was just written is lost`,
      );
  }

  get(key: string): FoundRow | null {
    const row = this.#patiently(() => this.#get.get(key)) as unknown as
      | [
          value: string | Uint8Array,
          binary: number,
          etag: string,
          expires: string | null,
        ]
      | undefined;
    if (!row) return null;
    const [value, binary, etag, expires] = row;
    const isCoded = binary !== 0 && typeof value === "string";
    return [isCoded ? fromBase64(value) : value, etag, expires];
  }

  /** Reads all keys at one moment. */
  getAll(keys: string[]): (FoundRow | null)[] {
    if (this.#db.isTransaction) return keys.map((key) => this.get(key));
    this.#db.exec("BEGIN");
    try {
      return keys.map((key) => this.get(key));
    } finally {
      if (this.#db.isTransaction) this.#db.exec("COMMIT");
    }
  }

  /** Keys that begin with `prefix` and come behind `after`, as SQLite orders them: by their bytes. */
  keys(prefix: string, after: string, limit: number): string[] {
    const { table } = this.#options;
    // No more is asked of the index than these keys: whoever looks must not hold up others.
    const rows = this.#patiently(() =>
      this.#db
        .prepare(
          `SELECT key FROM ${table} WHERE key > ? AND key >= ? AND key < ? AND ${alive} ORDER BY key LIMIT ?`,
        )
        .all(after, prefix, `${prefix}\u{10ffff}`, limit),
    );
    return rows.map(({ key }) => key as string);
  }

  /** Moves the write-ahead log into the file and frees its space, as far as there is space for that. */
  shortenLog(): void {
    this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** Inside a transaction. Throws {@link Mismatch}. */
  write(write: StateWrite): void {
    const { key, etag } = write;
    if (write.op === "delete") {
      if (etag === undefined) this.#delete.run(key);
      else if (this.#deleteIf.run(key, etag).changes === 0)
        throw new Mismatch();
      return;
    }
    const isText = typeof write.value === "string";
    const value = isText ? (write.value as string) : toBase64(write.value);
    const binary = isText ? 0 : 1;
    const expiry = write.ttl > 0 ? `+${write.ttl} seconds` : null;
    const next = randomUUID();
    if (etag !== undefined) {
      const { changes } = this.#update.run(
        value,
        binary,
        next,
        expiry,
        key,
        etag,
      );
      if (changes === 0) throw new Mismatch();
    } else if (write.first) {
      const { changes } = this.#putFirst.run(
        key,
        value,
        binary,
        next,
        expiry,
        key,
      );
      if (changes === 0) throw new Mismatch();
    } else this.#put.run(key, value, binary, next, expiry);
  }

  /**
   * Removes some expired rows; true if there may be more. With `begin` it does so
   * only if no process has begun a sweep within the interval.
   */
  sweep(begin: boolean, forMs: number): boolean {
    const { table, metadataTable, cleanupIntervalMs } = this.#options;
    return this.transaction(() => {
      if (begin) {
        const { changes } = this.#db
          .prepare(
            `INSERT INTO ${metadataTable} (key, value) VALUES ('last-cleanup', CURRENT_TIMESTAMP)
             ON CONFLICT (key) DO UPDATE SET value = CURRENT_TIMESTAMP
             WHERE (unixepoch(CURRENT_TIMESTAMP) - unixepoch(value)) * 1000 > ?`,
          )
          // A timer is never exact; the clock here has whole seconds.
          .run(Math.max(0, cleanupIntervalMs - 1000));
        if (changes === 0) return false;
      }
      const { changes } = this.#db
        .prepare(
          `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE expiration_time IS NOT NULL AND expiration_time < CURRENT_TIMESTAMP LIMIT ${sweepRows})`,
        )
        .run();
      return changes === sweepRows;
    }, forMs);
  }

  close(): void {
    this.#db.close();
  }
}

const toBase64 = (value: StateValue): string =>
  Buffer.from(value as Uint8Array).toString("base64");

const fromBase64 = (text: string): Uint8Array =>
  new Uint8Array(Buffer.from(text, "base64"));
