/**
 * Connections to PostgreSQL that outlive the server: a late one is waited for,
 * a lost one is replaced, and no statement is sent twice. The postgres*.ts
 * files in this folder are the only ones that know the driver `pg`.
 */
import type { Pool, PoolClient } from "pg";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { PostgresServer } from "./postgres-settings.ts";
import { pause } from "../retry.ts";
import { explained, isHopeless, isWithoutTls } from "./postgres-errors.ts";
import { watchServer } from "./server-trouble.ts";

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

export interface PostgresClient {
  run: RunStatement;
  /** Commits what `work` did, or rolls all of it back and rejects. */
  transaction<T>(work: (run: RunStatement) => Promise<T>): Promise<T>;
  /** Waits for what is under way, then disconnects. */
  close(): Promise<void>;
}

export interface PostgresOptions {
  server: PostgresServer;
  log: Logger;
  /** Run once, before anything else. */
  prepare(run: RunStatement): Promise<void>;
}

/** Less than a component's time to open: a late server is not an error. */
const patienceMs = 2000;
const againMs = 500;

/**
 * Connects and prepares. A server that is merely not there is waited for in the
 * background; rejects where waiting is no use: a wrong password, a database
 * that does not exist, or what `prepare` is refused.
 */
export async function openPostgres({
  server,
  log,
  prepare,
}: PostgresOptions): Promise<PostgresClient> {
  const at = `postgresql at ${server.host}:${server.port}`;
  const trouble = watchServer(log, at);
  let pool = await makePool(server, trouble.found);
  const stop = new AbortController();
  let isReady = false;
  let closing: Promise<void> | undefined;
  const underWay = new Set<Promise<unknown>>();

  async function start() {
    try {
      await prepareOnce();
    } catch (error) {
      if (!server.tlsIsOptional || !isWithoutTls(error)) throw error;
      await pool.end();
      pool = await makePool({ ...server, tls: undefined }, trouble.found);
      await prepareOnce();
    }
    isReady = true;
    trouble.over();
  }

  async function prepareOnce() {
    await borrow(pool, (client) => prepare(runner(client, server.prepares)));
  }

  let attempt = start();

  async function startLate() {
    for (;;)
      try {
        return await attempt;
      } catch (error) {
        if (stop.signal.aborted) return;
        trouble.found(messageOf(error));
        if (!(await pause(againMs, stop.signal))) return;
        attempt = start();
      }
  }

  const error = await within(patienceMs, attempt);
  if (error && isHopeless(error)) {
    await pool.end();
    throw new Error(`failed to connect to the database: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (!isReady) void startLate();

  /** Keeps count, so that close can wait. */
  function track<T>(work: () => Promise<T>): Promise<T> {
    if (closing) return Promise.reject(new Error(`${at} is closed`));
    const done = isReady ? work() : whenReady().then(work);
    const told = done.catch((error: unknown) => {
      throw explained(error, at);
    });
    underWay.add(told);
    const end = () => void underWay.delete(told);
    told.then(end, end);
    return told;
  }

  async function whenReady() {
    await within(server.timeoutMs, attempt);
    if (!isReady)
      throw new Error(
        `${at} can't be reached: ${trouble.reason ?? "it does not answer"}`,
      );
  }

  return {
    run: (statement, values) =>
      track(() => query(pool, statement, values, server.prepares)),
    transaction: (work) =>
      track(() =>
        borrow(pool, (client) =>
          inTransaction(runner(client, server.prepares), work),
        ),
      ),
    close: () => (closing ??= disconnect()),
  };

  async function disconnect() {
    stop.abort();
    await Promise.allSettled(underWay);
    if (!isReady) await within(patienceMs, attempt);
    await pool.end();
  }
}

/** Lends a connection; one on which something failed is not used again. */
async function borrow<T>(
  pool: Pool,
  use: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
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

async function makePool(
  server: PostgresServer,
  lost: (reason: string) => void,
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
    idleTimeoutMillis: server.idleMs,
    connectionTimeoutMillis: server.timeoutMs,
    query_timeout: server.timeoutMs,
    keepAlive: true,
  });
  // Of a connection nobody uses just now: the next request takes another one.
  pool.on("error", (error) => lost(messageOf(error)));
  return pool;
}

async function query(
  on: Pool | PoolClient,
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

const runner =
  (client: PoolClient, prepares: boolean): RunStatement =>
  (statement, values) =>
    query(client, statement, values, prepares);

/** The error of `work`, or undefined: it passed, or takes longer. */
async function within(
  ms: number,
  work: Promise<void>,
): Promise<Error | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, late]);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    clearTimeout(timer);
  }
}
