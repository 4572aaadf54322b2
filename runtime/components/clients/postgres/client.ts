/**
 * Connections to PostgreSQL that outlive the server: a late one is waited for,
 * a lost one is replaced, and no statement is sent twice. The postgres*.ts
 * files in this folder are the only ones that know the driver `pg`.
 */
import type { Logger } from "../../../shared/log.ts";
import type { PostgresServer } from "./settings.ts";
import { pause } from "../../../shared/backoff.ts";
import {
  explained,
  isCrowded,
  isHopeless,
  isWithoutTls,
  NotConnectedError,
  postgresAt,
  reasonOf,
  refusesSettings,
} from "./errors.ts";
import {
  borrow,
  inTransaction,
  makePool,
  type Lent,
  type RunStatement,
} from "./pool.ts";
import { lacking, watchServer } from "../server-outage.ts";
import { startTimer } from "../../../shared/timers.ts";

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
  prepare(lent: Lent): Promise<void>;
}

/** Less than a component's time to open: a late server is not an error. */
const firstTryMs = 2000;
const againMs = 500;
/** What was not sent yet waits this long for a server that is away. */
const waitMs = 4000;

/**
 * Connects and prepares. A server that is merely not there is waited for in the
 * background; rejects where waiting is no use: a wrong password, a database
 * that does not exist, or what `prepare` is refused.
 */
export async function openPostgres({
  server: wanted,
  log,
  prepare,
}: PostgresOptions): Promise<PostgresClient> {
  let server = wanted;
  const at = postgresAt(server);
  const outage = watchServer(log, at);
  let pool = await makePool(server, lost);
  const stop = new AbortController();
  let isPrepared = false;
  let isThere = false;
  /** Settles when the server is there, or at the end. */
  let reaching = Promise.resolve();
  let closing: Promise<void> | undefined;
  const underWay = new Set<Promise<unknown>>();

  async function reach() {
    if (isPrepared) await borrow(pool, server, async () => {});
    else await prepareFirst();
    isPrepared = isThere = true;
    outage.over();
  }

  /** Goes without what the server, or a pooler before it, has not got. */
  async function prepareFirst(): Promise<void> {
    try {
      await borrow(pool, server, prepare);
    } catch (error) {
      if (server.tlsIsOptional && isWithoutTls(error))
        server = { ...server, tls: undefined, tlsIsOptional: false };
      else if (server.limitsStatements && refusesSettings(error))
        server = { ...server, limitsStatements: false };
      else throw error;
      await pool.end();
      pool = await makePool(server, lost);
      return prepareFirst();
    }
  }

  /** Tries until the server is there again, or until the end. */
  async function reachAgain(error: unknown): Promise<void> {
    for (let why = error; !stop.signal.aborted;) {
      outage.found(reasonOf(why));
      if (!(await pause(againMs, stop.signal))) return;
      try {
        return await reach();
      } catch (again) {
        why = again;
      }
    }
  }

  /** A connection that nobody used just now is gone: perhaps all are. */
  function lost(error: Error) {
    outage.found(reasonOf(error));
    if (!isThere) return;
    isThere = false;
    reaching = reach().catch(reachAgain);
  }

  const first = reach();
  const error = await within(firstTryMs, first);
  if (error && isHopeless(error)) {
    await pool.end();
    throw new Error(
      `failed to connect to the database: ${error instanceof NotConnectedError ? lacking(at, reasonOf(error)) : `${at}: ${reasonOf(error)}`}`,
      { cause: error },
    );
  }
  reaching = first.catch(reachAgain);

  /** Works when the server is there: at once, or within some seconds. */
  async function whenThere<T>(work: () => Promise<T>): Promise<T> {
    const until = performance.now() + Math.min(waitMs, server.timeoutMs);
    for (;;) {
      if (!isThere) await within(until - performance.now(), reaching);
      if (!isThere)
        throw new Error(lacking(at, outage.reason ?? "it does not answer"));
      try {
        return await work();
      } catch (error) {
        const mayWait =
          error instanceof NotConnectedError &&
          !isHopeless(error.cause) &&
          performance.now() < until &&
          !stop.signal.aborted;
        if (!mayWait) throw error;
        if (isCrowded(error)) await pause(againMs, stop.signal);
        else if (isThere) {
          isThere = false;
          reaching = reachAgain(error);
        }
      }
    }
  }

  /** Keeps count, so that close can wait. */
  function track<T>(work: () => Promise<T>, reads: boolean): Promise<T> {
    if (closing) return Promise.reject(new Error(`${at} is closed`));
    const told = whenThere(work).catch((error: unknown) => {
      throw explained(error, server, reads);
    });
    underWay.add(told);
    const end = () => void underWay.delete(told);
    told.then(end, end);
    return told;
  }

  return {
    run: (statement, values) =>
      track(
        () => borrow(pool, server, ({ run }) => run(statement, values)),
        statement.text.startsWith("SELECT"),
      ),
    transaction: (work) =>
      track(
        () => borrow(pool, server, (lent) => inTransaction(lent, work)),
        false,
      ),
    close: () => (closing ??= disconnect()),
  };

  async function disconnect() {
    stop.abort();
    await Promise.allSettled(underWay);
    await within(firstTryMs, reaching);
    await pool.end();
  }
}

/** The error of `work`, or undefined: it passed, or takes longer. */
async function within(
  ms: number,
  work: Promise<void>,
): Promise<Error | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = startTimer(resolve, ms);
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
