/**
 * Connections to PostgreSQL that outlive the server: a late server is waited
 * for, a lost connection is replaced, and no statement is sent twice. Only
 * the files of this folder know the driver `pg`.
 */
import type { Call } from "../../../contracts/call.ts";
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
  type ServerAnswer,
} from "./errors.ts";
import {
  borrow,
  inTransaction,
  makePool,
  type Lent,
  type Rows,
  type RunStatement,
  type Statement,
} from "./pool.ts";
import { lacking, watchServer } from "../server-outage.ts";
import { startTimer } from "../../../shared/timers.ts";

/** Whatever a caller waits for ends when it goes: the wait for the server, a statement with what its transaction did. */
export interface PostgresClient {
  run(statement: Statement, values?: unknown[], call?: Call): Promise<Rows>;
  /** One connection for several statements; they may change something. */
  lend<T>(work: (lent: Lent) => Promise<T>, call?: Call): Promise<T>;
  /** Commits what `work` did, or rolls all of it back and rejects. */
  transaction<T>(
    work: (run: RunStatement) => Promise<T>,
    call?: Call,
  ): Promise<T>;
  /** Waits for statements under way, then disconnects. */
  close(): Promise<void>;
}

export interface PostgresOptions {
  server: PostgresServer;
  log: Logger;
  /** Run once, before anything else. */
  prepare(lent: Lent): Promise<void>;
  /** What answers of the server mean to this component; they go before the general ones. */
  answers?: readonly ServerAnswer[];
}

/** Less than the time a component has to open: a late server is not an error. */
const firstTryMs = 2000;
const againMs = 500;
/** How long a request that was not sent yet waits for a server that is away. */
const waitMs = 4000;

/**
 * Connects and prepares. A server that is away is waited for in the background.
 * Rejects if waiting is no use: a wrong password, a database that does not
 * exist, or a refusal in `prepare`.
 */
export async function openPostgres({
  server: wanted,
  log,
  prepare,
  answers,
}: PostgresOptions): Promise<PostgresClient> {
  let server = wanted;
  const at = postgresAt(server);
  const outage = watchServer(log, at);
  let pool = await makePool(server, lost);
  const stop = new AbortController();
  let isPrepared = false;
  let isThere = false;
  /** Settles when the server is there, or when the client closes. */
  let reaching = Promise.resolve();
  let closing: Promise<void> | undefined;
  const underWay = new Set<Promise<unknown>>();

  async function reach() {
    if (isPrepared) await borrow(pool, server, async () => {});
    else await prepareFirst();
    isPrepared = isThere = true;
    outage.over();
  }

  /** Drops a setting that the server, or a pooler in front of it, does not support. */
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

  /** Tries until the server is there again, or the client closes. */
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

  /** Called when an idle connection is lost: perhaps all are. */
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

  /** Runs `work` when the server is there: at once, or within some seconds. */
  async function whenThere<T>(
    work: () => Promise<T>,
    call: Call | undefined,
  ): Promise<T> {
    const until = performance.now() + Math.min(waitMs, server.timeoutMs);
    for (;;) {
      if (!isThere) {
        await within(until - performance.now(), reaching);
        call?.signal().throwIfAborted();
      }
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

  /** Counts the work under way, so that `close` can wait for it. */
  function track<T>(
    work: () => Promise<T>,
    reads: boolean,
    call: Call | undefined,
  ): Promise<T> {
    if (closing) return Promise.reject(new Error(`${at} is closed`));
    const told = whenThere(work, call).catch((error: unknown) => {
      throw explained(error, server, reads, answers);
    });
    underWay.add(told);
    const end = () => void underWay.delete(told);
    told.then(end, end);
    return told;
  }

  const lend = <T>(work: (lent: Lent) => Promise<T>, call?: Call) =>
    track(() => borrow(pool, server, work, call), false, call);

  return {
    run: (statement, values, call) =>
      track(
        () => borrow(pool, server, ({ run }) => run(statement, values), call),
        statement.text.startsWith("SELECT"),
        call,
      ),
    lend,
    transaction: (work, call) =>
      lend((lent) => inTransaction(lent, work), call),
    close: () => (closing ??= disconnect()),
  };

  async function disconnect() {
    stop.abort();
    await Promise.allSettled(underWay);
    await within(firstTryMs, reaching);
    await pool.end();
  }
}

/** The error of `work`; undefined if it succeeded, or takes longer. */
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
