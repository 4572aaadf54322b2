/**
 * Calls to one server over kept HTTP/1.1 connections: the one used last is
 * used next, and a new one is made when none is free.
 */
import { Readable } from "node:stream";
import type { Forward, ForwardRequest } from "../../contracts/invocation.ts";
import {
  createConnection,
  type Connection,
  type Http1Target,
} from "./connection.ts";
import { greet, type Greeting } from "./greeting.ts";
import { isIdempotent } from "../../shared/idempotent.ts";
import { unlessAborted } from "../../shared/unless-aborted.ts";
import { framingOf, requestHead } from "./request.ts";
import { afterPoll } from "./turns.ts";

export interface Http1ClientOptions extends Http1Target {
  /** Asked over each new connection before a request goes there. */
  greeting?: Greeting;
}

export interface Http1Client {
  /** Has a connection ready for the next request. Rejects as {@link greet} does. */
  open(): Promise<void>;
  /** `apiToken` replaces whatever token the request carries. */
  forward(request: ForwardRequest, apiToken?: string): ReturnType<Forward>;
  /** Whether there are connections, or some being made. */
  readonly isOpen: boolean;
  /** Keeps no connections any more: free ones end now, the others after their calls. */
  retire(): void;
  close(): void;
}

const sweepMs = 5000;
/** A connection that was idle for so long is checked before its next use. Where calls follow closely the check would cost time and tell nothing new. */
const restedMs = 2;

export function createHttp1Client(target: Http1ClientOptions): Http1Client {
  const { greeting } = target;
  const all = new Set<Connection>();
  const free: Connection[] = [];
  let isRetired = false;

  // Connections that were idle for too long are closed.
  const sweeper = setInterval(() => {
    const now = performance.now();
    for (let i = free.length - 1; i >= 0; i--)
      if (!free[i]!.isFree(now)) drop(free.splice(i, 1)[0]!);
  }, sweepMs).unref();

  function take(): Connection | undefined {
    const now = performance.now();
    for (;;) {
      const connection = free.pop();
      if (!connection || connection.isFree(now)) return connection;
      drop(connection);
    }
  }

  function drop(connection: Connection) {
    all.delete(connection);
    connection.close();
  }

  function keep(connection: Connection) {
    const now = performance.now();
    if (!isRetired && connection.isFree(now)) {
      connection.freeSince = now;
      free.push(connection);
    } else drop(connection);
  }

  /** Connects, and greets if that is wanted. */
  async function connect(): Promise<Connection> {
    const connection = createConnection(target);
    all.add(connection);
    try {
      if (greeting) await greet(connection, greeting);
      return connection;
    } catch (error) {
      drop(connection);
      throw error;
    }
  }

  /** Whoever waits may leave: the connection is kept for others. */
  async function takeNew(signal?: AbortSignal): Promise<Connection> {
    const connecting = connect();
    try {
      return await unlessAborted(connecting, signal);
    } catch (error) {
      connecting.then(keep, () => {});
      throw error;
    }
  }

  return {
    async open() {
      keep(await connect());
    },
    async forward(request, apiToken) {
      request.signal?.throwIfAborted();
      const framing = framingOf(request);
      const head = requestHead(request, target.authority, framing, apiToken);
      const sendOver = (connection: Connection) =>
        connection.send(request, head, framing, () => keep(connection));
      const sendOverNew = async () => sendOver(await takeNew(request.signal));
      let kept = take();
      if (kept && !isRepeatable(request) && isRested(kept)) {
        await poll();
        if (!kept.isFree(performance.now())) {
          drop(kept);
          kept = take();
        } else if (request.signal?.aborted) free.push(kept);
        request.signal?.throwIfAborted();
      }
      if (!kept) return sendOverNew();
      const reply = sendOver(kept);
      if (request.body instanceof Readable) return reply;
      const used = kept;
      return reply.catch((error: unknown) => {
        const isSafe = isRepeatable(request)
          ? used.wasStale()
          : used.wasUnseen();
        if (!isSafe || request.signal?.aborted) throw error;
        return sendOverNew();
      });
    },
    get isOpen() {
      return all.size > 0;
    },
    retire() {
      isRetired = true;
      clearInterval(sweeper);
      for (const connection of free.splice(0)) drop(connection);
    },
    close() {
      clearInterval(sweeper);
      for (const connection of all) connection.close();
      all.clear();
    },
  };
}

const isRested = ({ freeSince }: Connection) =>
  performance.now() - freeSince > restedMs;

/**
 * Resolves after one more poll of the event loop, so that a connection that the
 * app has closed is seen as closed: what is sent into it can't be sent again.
 */
const poll = () => new Promise<void>(afterPoll);

/**
 * Whether a request may be sent again when a kept connection ends under it. The
 * app may have closed it for its age just then, or have died of this very
 * request: only what may happen twice is repeated (RFC 9110 §9.2.2), so never a
 * POST. Its caller gets the error.
 */
const isRepeatable = ({ method, body }: ForwardRequest) =>
  !(body instanceof Readable) && isIdempotent(method);
