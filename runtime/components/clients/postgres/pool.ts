/** Lends connections to one PostgreSQL. */
import type {
  CustomTypesConfig,
  Pool,
  PoolClient,
  QueryArrayConfig,
  QueryArrayResult,
} from "pg";
import type { Call } from "../../../contracts/call.ts";
import { cancelStatement, type BackendKey } from "./cancel.ts";
import {
  LateError,
  NotConnectedError,
  PoolExhaustedError,
  wasAnswered,
  wasCancelled,
} from "./errors.ts";
import type { PostgresServer } from "./settings.ts";
import { libraryMs, startTimer } from "../../../shared/timers.ts";

/** Parameters are always bound. `name` lets a connection prepare it once. */
export interface Statement {
  name?: string;
  text: string;
  /** How values are read; the driver's own way if absent. */
  types?: CustomTypesConfig;
  /** One command only, also without parameters: several of them are refused. */
  isSingle?: boolean;
}

export interface Rows {
  /** Values by column, in the order of the SELECT; of several commands those of the last. */
  rows: unknown[][];
  /** Rows that were found or changed, by the last command. */
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
  /** After a statement that passed: a transaction is open. */
  isInTransaction(): boolean;
  /** Marks it as not to be used again: it was cut off, or its last statement may still run. */
  isSpent: boolean;
}

/** Most statements are over sooner, and then nobody has to be told whether the caller is still there. */
const listenAfterMs = 100;
/** A little more than the server's own limit: after that one the statement is surely over. */
const cancelAfterMs = 200;
/** After so long a server that does not even take a cancel request counts as away. */
const giveUpAfterMs = 1000;

/**
 * Lends a connection. If the caller goes while it is waited for, nothing is
 * done; a statement under way is cancelled. Rejects with {@link NotConnectedError} if none can be made,
 * with {@link PoolExhaustedError} if none gets free in time.
 */
export async function borrow<T>(
  pool: Pool,
  server: PostgresServer,
  use: (lent: Lent) => Promise<T>,
  call?: Call,
): Promise<T> {
  const isWaiting = pool.idleCount === 0;
  const client = await pool.connect().catch((error: Error) => {
    throw error.message === "timeout exceeded when trying to connect"
      ? new PoolExhaustedError()
      : new NotConnectedError(error);
  });
  // The connection was cut between two statements: the next one will fail. An error without a listener would end the process.
  const cut = () => {};
  client.on("error", cut);
  const lent: Lent = {
    isSpent: false,
    isInTransaction: () => client.getTransactionStatus() !== "I",
    run: (statement, values) =>
      query(client, server, lent, statement, values, call),
  };
  try {
    if (isWaiting) call?.signal().throwIfAborted();
    return await use(lent);
  } finally {
    client.off("error", cut);
    client.release(lent.isSpent);
  }
}

/** Runs `work` in a transaction over one connection: commits, or rolls all of it back and rejects. */
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
    // Its transaction ends with the connection.
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
  // An error of an idle connection: the next request takes another one.
  pool.on("error", lost);
  return pool;
}

/**
 * A statement that takes too long, or whose caller goes, has ended before its
 * error is reported: the server ends it by its own limit, or because it is asked
 * to. The outcome is open only if the server does not answer at all.
 */
function query(
  client: PoolClient,
  server: PostgresServer,
  lent: Lent,
  { name, text, types, isSingle }: Statement,
  values: unknown[] | undefined,
  call: Call | undefined,
): Promise<Rows> {
  return new Promise((resolve, reject) => {
    const mostMs = server.timeoutMs + cancelAfterMs;
    let gone: AbortSignal | undefined;
    const cancel = () => {
      // The cancel request may arrive late and hit the next statement of this connection.
      lent.isSpent = true;
      const key = client as unknown as BackendKey;
      cancelStatement(server, key, giveUpAfterMs);
      over();
      timer = setTimeout(() => reject(new LateError()), giveUpAfterMs);
    };
    const listen = () => {
      timer = startTimer(cancel, mostMs - listenAfterMs);
      gone = call!.signal();
      if (gone.aborted) cancel();
      else gone.addEventListener("abort", cancel);
    };
    let timer = call
      ? startTimer(listen, listenAfterMs)
      : startTimer(cancel, mostMs);
    const over = () => {
      clearTimeout(timer);
      gone?.removeEventListener("abort", cancel);
    };
    client
      .query({
        text,
        values,
        rowMode: "array",
        ...(server.prepares && name ? { name } : {}),
        ...(types ? { types } : {}),
        ...(isSingle ? { queryMode: "extended" } : {}),
      } as QueryArrayConfig)
      .then(
        (result: QueryArrayResult | QueryArrayResult[]) => {
          over();
          const { rows, rowCount } = Array.isArray(result)
            ? result.at(-1)!
            : result;
          resolve({ rows, count: rowCount ?? 0 });
        },
        (error: unknown) => {
          over();
          // After a COPY that got nothing the server waits for more than the driver sends.
          if (!wasAnswered(error) || (isSingle && wasCancelled(error)))
            lent.isSpent = true;
          reject((gone?.aborted ? gone.reason : error) as Error);
        },
      );
  });
}
