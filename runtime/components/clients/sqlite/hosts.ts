/**
 * The table by which sidecars that share a SQLite file find each other, as the
 * original keeps it (docs/protocol/name-resolution.md). Statements take microseconds.
 * One that meets another program's transaction is tried again without blocking.
 */
import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../../shared/message-of.ts";
import { makeFolder } from "../../../shared/files/make-folder.ts";
import type { Peer, Registration } from "../../../contracts/name-resolver.ts";
import { formatHostPort, parseHostPort } from "../host-port.ts";
import type { Connection } from "./connection.ts";
import { isBusy } from "./errors.ts";

export interface HostsOptions {
  connection: Connection;
  useWal: boolean;
  table: string;
  metadataTable: string;
  /** A row that was not renewed for so long does not count any more. */
  updateIntervalMs: number;
  /** How long a statement is tried again that meets another program's transaction. */
  busyTimeoutMs: number;
  /** Called when the file was removed or replaced. This sidecar opens it again and writes its row again. */
  onLost(path: string): void;
}

const busyAgainMs = 5;

const now = "unixepoch(CURRENT_TIMESTAMP)";

export class HostsTable {
  readonly #options: HostsOptions;
  readonly #seconds: number;
  #db: DatabaseSync;
  /** The inode of the open file. */
  #inode: number | undefined;
  #reopening: Promise<void> | undefined;
  #id = "";
  #self: Registration | undefined;

  private constructor(options: HostsOptions) {
    this.#options = options;
    this.#seconds = Math.round(options.updateIntervalMs / 1000);
    this.#db = openDatabase(options.connection);
  }

  static async open(options: HostsOptions): Promise<HostsTable> {
    const table = new HostsTable(options);
    try {
      await table.#prepare();
      return table;
    } catch (error) {
      table.#db.close();
      throw error;
    }
  }

  /** Statements on a deleted file would succeed, and nobody would see what they write. So the file is checked first. */
  #current(): Promise<void> | undefined {
    const { path } = this.#options.connection;
    if (path === undefined) return undefined;
    if (this.#reopening) return this.#reopening;
    if (this.#db.isOpen && inodeOf(path) === this.#inode) return undefined;
    this.#reopening = this.#reopen(path).finally(
      () => (this.#reopening = undefined),
    );
    return this.#reopening;
  }

  async #reopen(path: string) {
    if (this.#db.isOpen) {
      this.#options.onLost(path);
      this.#db.close();
    }
    try {
      this.#db = openDatabase(this.#options.connection);
      await this.#prepare();
      if (this.#self) await this.#write(this.#self);
    } catch (error) {
      if (this.#db.isOpen) this.#db.close(); // tried again with the next statement
      throw new Error(
        `the SQLite file ${path} was removed and can't be made anew: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async #prepare() {
    const { connection, useWal, table, metadataTable } = this.#options;
    if (connection.path !== undefined)
      await this.#patiently(() =>
        this.#db.exec(`PRAGMA journal_mode = ${useWal ? "wal" : "delete"}`),
      );
    for (const pragma of connection.pragmas)
      await this.#patiently(() => this.#db.exec(pragma));
    await this.#patiently(() => {
      this.#db.exec("BEGIN EXCLUSIVE");
      try {
        this.#db.exec(`
CREATE TABLE IF NOT EXISTS ${metadataTable} (key text NOT NULL PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS ${table} (
  registration_id TEXT NOT NULL PRIMARY KEY, address TEXT NOT NULL, app_id TEXT NOT NULL,
  namespace TEXT NOT NULL, last_update INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS ${table}_address_idx ON ${table} (address);
CREATE INDEX IF NOT EXISTS ${table}_last_update_idx ON ${table} (last_update);
INSERT OR IGNORE INTO ${metadataTable} (key, value) VALUES ('nr-migrations', '1');
COMMIT`);
      } catch (error) {
        if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
        throw error;
      }
    });
    if (connection.path !== undefined) this.#inode = inodeOf(connection.path);
  }

  /** Writes this sidecar's row, in place of an earlier sidecar with the same address. */
  async add(self: Registration): Promise<void> {
    this.#self = self;
    await this.#current();
    await this.#write(self);
  }

  async #write({ host, port, appId, namespace }: Registration) {
    this.#id = randomUUID();
    await this.#run(
      `REPLACE INTO ${this.#options.table} (registration_id, address, app_id, namespace, last_update) VALUES (?, ?, ?, ?, ${now})`,
      this.#id,
      formatHostPort(host, port),
      appId,
      namespace,
    );
  }

  /** False if the row was lost; then it is written again. */
  async renew(): Promise<boolean> {
    if (!this.#self) return true;
    await this.#current();
    const renewed = await this.#run(
      `UPDATE ${this.#options.table} SET last_update = ${now} WHERE registration_id = ?`,
      this.#id,
    );
    if (renewed > 0) return true;
    await this.#write(this.#self);
    return false;
  }

  /**
   * All sidecars of the app that renewed their rows in time. Sidecars of the
   * original have no namespace in their rows; `orUntold` says whether they count.
   */
  async find(
    appId: string,
    namespace: string,
    orUntold: boolean,
  ): Promise<Peer[]> {
    await this.#current();
    const rows = await this.#patiently(() =>
      this.#db
        .prepare(
          `SELECT address FROM ${this.#options.table} WHERE app_id = ? AND namespace IN (?, ?) AND ${now} - last_update < ?`,
        )
        .all(appId, namespace, orUntold ? "" : namespace, this.#seconds),
    );
    return rows.map(({ address }) => {
      const { host, port } = parseHostPort(String(address));
      if (port === undefined)
        throw new Error(`the address ${String(address)} has no port`);
      return { host, port };
    });
  }

  /** Removes rows that nobody renews any more, unless another process has done so within the interval. */
  async sweep(cleanupIntervalMs: number): Promise<void> {
    const { table, metadataTable } = this.#options;
    await this.#current();
    const isTurn = await this.#run(
      `INSERT INTO ${metadataTable} (key, value) VALUES ('nr-last-cleanup', CURRENT_TIMESTAMP)
ON CONFLICT (key) DO UPDATE SET value = CURRENT_TIMESTAMP WHERE ${now} - unixepoch(value) > ?`,
      Math.round(cleanupIntervalMs / 1000),
    );
    if (isTurn > 0)
      await this.#run(
        `DELETE FROM ${table} WHERE ${now} - last_update >= ?`,
        this.#seconds,
      );
  }

  async close(): Promise<void> {
    await this.#reopening?.catch(() => {}); // told to whom it was for
    if (!this.#db.isOpen) return;
    try {
      if (this.#self)
        await this.#run(
          `DELETE FROM ${this.#options.table} WHERE registration_id = ?`,
          this.#id,
        );
    } finally {
      this.#db.close();
    }
  }

  /** Resolves with the number of rows it changed. */
  #run(sql: string, ...values: (string | number)[]): Promise<number> {
    return this.#patiently(() =>
      Number(this.#db.prepare(sql).run(...values).changes),
    );
  }

  async #patiently<T>(step: () => T): Promise<T> {
    const deadline = performance.now() + this.#options.busyTimeoutMs;
    for (;;) {
      try {
        return step();
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error;
      }
      await delay(busyAgainMs);
    }
  }
}

function openDatabase({ location, path }: Connection): DatabaseSync {
  if (path !== undefined) makeFolder(dirname(path));
  return new DatabaseSync(location, { timeout: 0 });
}

const inodeOf = (path: string): number | undefined =>
  statSync(path, { throwIfNoEntry: false })?.ino;
