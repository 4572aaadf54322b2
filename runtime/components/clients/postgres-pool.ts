/** Connections to one PostgreSQL, lent to whoever asks. */
import type { Pool, PoolClient } from "pg";
import { NotConnectedError } from "./postgres-errors.ts";
import type { PostgresServer } from "./postgres-settings.ts";
import { libraryMs } from "../../timers.ts";

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

/** Lends a connection; one on which something failed is not used again. Rejects with {@link NotConnectedError} when there is none. */
export async function borrow<T>(
  pool: Pool,
  use: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error: Error) => {
    throw new NotConnectedError(error);
  });
  // Cut off between two statements, which the next one tells; unheard it would end the process.
  const cut = () => {};
  client.on("error", cut);
  let isBroken = true;
  try {
    const result = await use(client);
    isBroken = false;
    return result;
  } finally {
    client.off("error", cut);
    client.release(isBroken);
  }
}

/** Over one connection: commits what `work` did, or rolls all of it back and rejects. */
export async function inTransaction<T>(
  run: RunStatement,
  work: (run: RunStatement) => Promise<T>,
): Promise<T> {
  await run({ text: "BEGIN" });
  try {
    const result = await work(run);
    await run({ text: "COMMIT" });
    return result;
  } catch (error) {
    // Where this fails too, the connection ends and the transaction with it.
    await run({ text: "ROLLBACK" }).catch(() => {});
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
    query_timeout: libraryMs(server.timeoutMs),
    keepAlive: true,
  });
  // Of a connection nobody uses just now: the next request takes another one.
  pool.on("error", lost);
  return pool;
}

async function query(
  on: PoolClient,
  { name, text }: Statement,
  values: unknown[] | undefined,
  prepares: boolean,
): Promise<Rows> {
  const { rows, rowCount } = await on.query({
    text,
    values,
    rowMode: "array",
    ...(prepares && name ? { name } : {}),
  });
  return { rows: rows as unknown[][], count: rowCount ?? 0 };
}

export const runner =
  (client: PoolClient, prepares: boolean): RunStatement =>
  (statement, values) =>
    query(client, statement, values, prepares);
