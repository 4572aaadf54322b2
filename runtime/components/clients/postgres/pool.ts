/** Connections to one PostgreSQL, lent to whoever asks. */
import type { Pool, PoolClient } from "pg";
import { cancelStatement, type BackendKey } from "./cancel.ts";
import {
  LateError,
  NotConnectedError,
  PoolExhaustedError,
  wasAnswered,
} from "./errors.ts";
import type { PostgresServer } from "./settings.ts";
import { libraryMs, startTimer } from "../../../shared/timers.ts";

/** Parameters are always bound. `name` lets a connection prepare it once. */
export interface Statement {
  name?: string;
  text: string;
}

export interface Rows {
  /** Values by column, in the order of the SELECT. */
  rows: unknown[][];
  /** Rows that were found or changed. */
  count: number;
}

/** Runs a statement: on any connection, or inside a transaction. */
export type RunStatement = (
  statement: Statement,
  values?: unknown[],
) => Promise<Rows>;

/** A connection while it is lent. */
export interface Lent {
  run: RunStatement;
  /** It must not be used again: cut off, or its last statement may go on. */
  isSpent: boolean;
}

/** The server's own limit comes first: with it the statement is surely over. */
const cancelAfterMs = 200;
/** A server that does not even take a cancel request is away. */
const giveUpAfterMs = 1000;

/** Lends a connection. Rejects with {@link NotConnectedError} when there is none, with {@link PoolExhaustedError} when none gets free. */
export async function borrow<T>(
  pool: Pool,
  server: PostgresServer,
  use: (lent: Lent) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error: Error) => {
    throw error.message === "timeout exceeded when trying to connect"
      ? new PoolExhaustedError()
      : new NotConnectedError(error);
  });
  // Cut off between two statements, which the next one tells; unheard it would end the process.
  const cut = () => {};
  client.on("error", cut);
  const lent: Lent = {
    isSpent: false,
    run: (statement, values) => query(client, server, lent, statement, values),
  };
  try {
    return await use(lent);
  } finally {
    client.off("error", cut);
    client.release(lent.isSpent);
  }
}

/** Over one connection: commits what `work` did, or rolls all of it back and rejects. */
export async function inTransaction<T>(
  lent: Lent,
  work: (run: RunStatement) => Promise<T>,
): Promise<T> {
  await lent.run({ text: "BEGIN" });
  try {
    const result = await work(lent.run);
    await lent.run({ text: "COMMIT" });
    return result;
  } catch (error) {
    // With its connection the transaction ends too.
    if (!lent.isSpent)
      await lent.run({ text: "ROLLBACK" }).catch(() => (lent.isSpent = true));
    throw error;
  }
}

export async function makePool(
  server: PostgresServer,
  lost: (error: Error) => void,
): Promise<Pool> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database: server.database,
    ssl: server.tls ?? false,
    application_name: server.applicationName,
    options: server.options,
    max: server.maxConnections,
    idleTimeoutMillis: libraryMs(server.idleMs),
    connectionTimeoutMillis: libraryMs(server.timeoutMs),
    keepAlive: true,
    ...(server.limitsStatements
      ? { statement_timeout: libraryMs(server.timeoutMs) }
      : {}),
  });
  // Of a connection nobody uses just now: the next request takes another one.
  pool.on("error", lost);
  return pool;
}

/**
 * What takes too long is over before it is told: the server ends it, by its own
 * limit or because it is asked to. Only where it answers nothing at all is the
 * outcome open.
 */
function query(
  client: PoolClient,
  server: PostgresServer,
  lent: Lent,
  { name, text }: Statement,
  values: unknown[] | undefined,
): Promise<Rows> {
  return new Promise((resolve, reject) => {
    let timer = startTimer(() => {
      // It may arrive late and hit the next statement of this connection.
      lent.isSpent = true;
      const key = client as unknown as BackendKey;
      cancelStatement(server, key, giveUpAfterMs);
      timer = setTimeout(() => reject(new LateError()), giveUpAfterMs);
    }, server.timeoutMs + cancelAfterMs);
    client
      .query({
        text,
        values,
        rowMode: "array",
        ...(server.prepares && name ? { name } : {}),
      })
      .then(
        ({ rows, rowCount }) => {
          clearTimeout(timer);
          resolve({ rows: rows as unknown[][], count: rowCount ?? 0 });
        },
        (error: unknown) => {
          clearTimeout(timer);
          if (!wasAnswered(error)) lent.isSpent = true;
          reject(error as Error);
        },
      );
  });
}
