/** The run's Redis, in Docker, on loopback. It is removed at the end. */
import { Redis } from "ioredis";
import { freePorts } from "../loopback.ts";
import { componentYaml, type Store } from "./backend.ts";
import { startContainer, type Container } from "./container.ts";

export interface RedisContainer extends Container {
  port: number;
}

/** Without snapshots: a fork of Redis in the middle of a window would falsify the sidecar's figures. */
export async function startRedisContainer(): Promise<RedisContainer> {
  const [port] = await freePorts(1);
  const flags = `--bind 127.0.0.1 --port ${port} --appendonly no`.split(" ");
  const container = await startContainer("redis:7", {}, [
    "redis-server",
    ...flags,
    "--save",
    "",
  ]);
  return { ...container, port: port! };
}

export async function redisStore(port: number, pids: number[]): Promise<Store> {
  const redis = await connected(port);
  return {
    name: "state-redis",
    pids,
    component: () =>
      componentYaml("state.redis", {
        redisHost: `127.0.0.1:${port}`,
        redisPassword: "",
      }),
    stored: () => redis.dbsize(),
    async clear() {
      await redis.flushall();
    },
    close: async () => redis.disconnect(),
  };
}

/** Waits until Redis answers: a new container takes a moment. */
export async function connected(port: number): Promise<Redis> {
  const redis = new Redis({
    host: "127.0.0.1",
    port,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => (attempt <= 300 ? 100 : null),
  });
  let refused: unknown;
  redis.on("error", (error) => (refused = error));
  try {
    await redis.ping();
  } catch (error) {
    throw new Error(
      `bench: no Redis answers at 127.0.0.1:${port} within 30 s: ${String(refused)}`,
      { cause: error },
    );
  }
  return redis;
}
