/**
 * A connection to Redis that outlives the server: it waits for a server that is
 * late or restarts, and never sends a command again whose outcome is unknown.
 * Only the files of this folder know ioredis.
 */
import type { Cluster, Redis } from "ioredis";
import { createHash } from "node:crypto";
import { messageOf } from "../../../shared/message-of.ts";
import type { Logger } from "../../../shared/log.ts";
import { connectRedis } from "./connection.ts";
import {
  cutOff,
  explained,
  HopelessError,
  hungUp,
  isHopeless,
  reasonOf,
} from "./errors.ts";
import { createGate } from "./gate.ts";
import type { RedisServer } from "./settings.ts";
import { watchServer } from "../server-outage.ts";

export type RedisArgument = string | number | Buffer;

/** A Lua script with the digest by which Redis knows it. */
export interface RedisScript {
  text: string;
  sha: string;
}

export function redisScript(text: string): RedisScript {
  let sha: string | undefined; // made with its first use: no start loads node:crypto for it
  return {
    text,
    get sha() {
      return (sha ??= createHash("sha1").update(text).digest("hex"));
    },
  };
}

/** Sends a command and gives its reply, bulk strings as bytes. */
export type RedisCall = (
  name: string,
  ...args: RedisArgument[]
) => Promise<unknown>;

export interface RedisClient {
  /** host:port, for messages. */
  readonly at: string;
  /** For commands that change nothing, or that are sent again if need be. */
  call: RedisCall;
  /** For commands that change something: the error of a lost answer says that they may have been done. */
  change: RedisCall;
  /** Values of a hash's fields; null for a field that does not exist. */
  hmget(key: string, ...fields: string[]): Promise<(Buffer | null)[]>;
  /** Runs a script over one key; numbers and texts in its reply, not bytes. */
  run(
    script: RedisScript,
    key: string,
    ...args: RedisArgument[]
  ): Promise<unknown>;
  /** Like `run`, over several keys on one server, with the reply as bytes. The script changes nothing. */
  read(script: RedisScript, keys: string[]): Promise<unknown>;
  /** Waits until so many replicas have what was written over this connection, or `ms` have passed. Meanwhile the connection answers nothing else. */
  wait(replicas: number, ms: number): Promise<void>;
  /** MULTI … EXEC. Gives the reply of each command, or its Error, in their order. Commands that succeeded stay done. */
  transaction(commands: [string, ...RedisArgument[]][]): Promise<unknown[]>;
  /** Waits for the answers to what was sent, then disconnects. */
  close(): Promise<void>;
}

export interface RedisOptions {
  server: RedisServer;
  log: Logger;
  /** How the original begins the error of a start: `redis store` unless given. */
  kind?: string;
  /** Run on each new connection before any other command. */
  prepare(call: RedisCall): Promise<void>;
}

/** Less than the time a component has to open: a late server is not an error. */
const firstTryMs = 2000;
const quitMs = 2000;

/**
 * Connects. A server that is away is waited for in the background. Rejects if
 * waiting is no use: a wrong password, a certificate that is not trusted, a
 * database that does not exist, or an error of `prepare`.
 */
export async function openRedis(options: RedisOptions): Promise<RedisClient> {
  const { server, log } = options;
  const outage = watchServer(log, `redis at ${server.at}`);
  const redis = await connectRedis(server);
  const gate = createGate(server, () => outage.reason);
  let closing: Promise<void> | undefined;
  /** Why this connection must not be used. */
  let refusal: Error | undefined;
  /** Why there is no connection. */
  let last: Error | undefined;
  let isFirst = true;

  const raw: RedisCall = (name, ...args) => redis.callBuffer(name, ...args);

  async function prepare() {
    try {
      if (refusal) throw refusal;
      await options.prepare(raw);
      if (redis.status !== "ready") return;
      outage.over();
      last = undefined;
      gate.open();
    } catch (error) {
      if (redis.status !== "ready") return; // cut off: the next connection tries again
      found(new HopelessError(messageOf(error), { cause: error }));
      redis.disconnect(true);
    }
  }

  const found = (error: Error) => {
    if (closing) return;
    last = error;
    // The failed start reports it.
    if (isFirst && isHopeless(error)) return;
    outage.found(reasonOf(error, server));
  };

  redis.on("connect", () => (refusal = undefined));
  redis.on("ready", () => void prepare());
  redis.on("error", (error: Error & { lastNodeError?: Error }) => {
    const cause = error.lastNodeError ?? error;
    // ioredis goes on in database 0 if the wanted one does not exist.
    if (redis.status === "connect") refusal = cause;
    found(cause);
    // While no sentinel answers there is no connection, so none can close.
    if (server.kind === "sentinel") gate.failed(cause);
  });
  redis.on("close", () => {
    const wasOpen = gate.isOpen;
    gate.shut();
    if (!last) found(new Error(wasOpen ? cutOff : hungUp));
    if (last) gate.failed(last);
  });

  await firstAttempt(redis, gate, options);
  isFirst = false;

  const explain = (error: unknown, reads: boolean) =>
    explained(error, server.at, outage.reason, reads);
  const cork = server.kind === "cluster" ? () => {} : corkPerTurn(redis);

  /** Sends at once, or as soon as the server is there. */
  function send<T>(ask: () => Promise<T>, reads: boolean): Promise<T> {
    if (closing)
      return Promise.reject(new Error(`redis at ${server.at} is closed`));
    if (!gate.isOpen) return gate.wait().then(() => send(ask, reads));
    cork();
    return ask().catch((error: unknown) => {
      throw explain(error, reads);
    });
  }

  return {
    at: server.at,
    call: (name, ...args) => send(() => raw(name, ...args), true),
    change: (name, ...args) => send(() => raw(name, ...args), false),
    hmget: (key, ...fields) =>
      send(() => redis.hmgetBuffer(key, ...fields), true),
    run: ({ sha, text }, key, ...args) =>
      send(
        () =>
          redis
            .evalsha(sha, 1, key, ...args)
            .catch(orAnew(() => redis.eval(text, 1, key, ...args))),
        false,
      ),
    read: ({ sha, text }, keys) =>
      send(
        () =>
          raw("EVALSHA", sha, keys.length, ...keys).catch(
            orAnew(() => raw("EVAL", text, keys.length, ...keys)),
          ),
        true,
      ),
    wait: async (replicas, ms) =>
      void (await send(() => raw("WAIT", replicas, ms), false)),
    transaction: (commands) =>
      send(async () => {
        const replies = await redis.multi(commands).exec();
        return replies!.map(([error, reply]) =>
          error ? explain(error, false) : reply,
        );
      }, false),
    close: () => (closing ??= disconnect()),
  };

  async function disconnect() {
    gate.close(new Error(`redis at ${server.at} is closed`));
    if (redis.status !== "ready") return redis.disconnect();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, quitMs);
    });
    // If it is cut off while it says goodbye, it is gone as well.
    await Promise.race([redis.quit().catch(() => {}), late]);
    clearTimeout(timer);
    redis.disconnect();
  }
}

/** The server does not know the script, as it has lost its scripts; so it did not run. */
const orAnew =
  (again: () => Promise<unknown>) =>
  (error: Error): Promise<unknown> => {
    if (!error.message.startsWith("NOSCRIPT")) throw error;
    return again();
  };

/** Resolves once connected, or once it is clear that the server is late. */
async function firstAttempt(
  redis: Redis | Cluster,
  gate: ReturnType<typeof createGate>,
  { server, kind = "redis store" }: RedisOptions,
): Promise<void> {
  redis.connect().catch(() => {}); // reported by the event "error"
  const error = await gate.first(Math.min(firstTryMs, server.dialTimeoutMs));
  if (!error || !isHopeless(error)) return;
  redis.disconnect();
  throw new Error(
    `${kind}: error connecting to redis at ${server.at}: ${reasonOf(error, server)}`,
    { cause: error },
  );
}

/** Everything that is sent in one turn of the event loop goes out in one write. */
function corkPerTurn(redis: Redis | Cluster): () => void {
  let corked: { uncork(): void } | undefined;
  const uncork = () => {
    corked?.uncork();
    corked = undefined;
  };
  return () => {
    if (corked) return;
    const { stream } = redis as Redis;
    stream.cork();
    corked = stream;
    setImmediate(uncork);
  };
}
