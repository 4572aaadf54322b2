/** ioredis, set up so that a command is sent at most once and does not wait. */
import type { Cluster, RedisOptions, Redis } from "ioredis";
import type { RedisServer } from "./settings.ts";
import { libraryMs } from "../../../shared/timers.ts";

/** A server, the master that sentinels name, or a cluster; not connected yet. */
export async function connectRedis(
  server: RedisServer,
): Promise<Redis | Cluster> {
  const { default: ioredis } = await import("ioredis");
  const { addresses, tls, username, password, sentinel } = server;
  const pauseMs = (attempt: number) => libraryMs(server.pauseMs(attempt));
  const common: RedisOptions = {
    username,
    password,
    // RESP3 has no use here, and costs an extra round trip with older servers.
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    connectTimeout: libraryMs(server.dialTimeoutMs),
    socketTimeout:
      server.answerTimeoutMs === undefined
        ? undefined
        : libraryMs(server.answerTimeoutMs),
    // A command with an unknown outcome fails at once and is never sent again. The gate holds what was not sent.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    // A timer that outlives the connection would delay the end of the process.
    disconnectTimeout: 100,
  };
  if (server.kind === "cluster")
    return new ioredis.Cluster(addresses, {
      redisOptions: { ...common, tls },
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: pauseMs,
      // A node that closed may have done the command, so there is no second try elsewhere. A node that says MOVED, TRYAGAIN or CLUSTERDOWN has not.
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
