/** ioredis, set up so that a command is sent once at most and waits for nothing. */
import type { Cluster, RedisOptions, Redis } from "ioredis";
import type { RedisServer } from "./settings.ts";
import { libraryMs } from "../../../shared/timers.ts";

/** A server, what sentinels say is one, or a cluster; not connected yet. */
export async function connectRedis(
  server: RedisServer,
): Promise<Redis | Cluster> {
  const { default: ioredis } = await import("ioredis");
  const { addresses, tls, username, password, sentinel } = server;
  const pauseMs = (attempt: number) => libraryMs(server.pauseMs(attempt));
  const common: RedisOptions = {
    username,
    password,
    // RESP3 gives nothing here and costs a round of trial with older servers.
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    connectTimeout: libraryMs(server.dialTimeoutMs),
    socketTimeout:
      server.answerTimeoutMs === undefined
        ? undefined
        : libraryMs(server.answerTimeoutMs),
    // Unknown outcomes are told at once and never sent again; the gate holds what was not sent.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    // A timer that outlives the connection would hold up the end of the process.
    disconnectTimeout: 100,
  };
  if (server.kind === "cluster")
    return new ioredis.Cluster(addresses, {
      redisOptions: { ...common, tls },
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: pauseMs,
      // A closed node may have done the command: no second try elsewhere. It did not where it says MOVED, TRYAGAIN or CLUSTERDOWN.
      retryDelayOnFailover: 0,
      slotsRefreshTimeout: libraryMs(server.dialTimeoutMs),
    });
  const single = { ...common, db: server.db, retryStrategy: pauseMs };
  if (server.kind === "node")
    return new ioredis.Redis({ ...single, ...addresses[0], tls });
  return new ioredis.Redis({
    ...single,
    sentinels: addresses,
    name: sentinel.name,
    sentinelUsername: sentinel.username,
    sentinelPassword: sentinel.password,
    tls,
    enableTLSForSentinelMode: tls !== undefined,
    sentinelRetryStrategy: pauseMs,
    failoverDetector: true,
    // The server became a replica: ask the sentinels again. Nothing was written.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  });
}
