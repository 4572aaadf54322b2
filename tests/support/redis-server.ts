/** A Redis in a container. Its port stays the same when it is stopped and started again. */
import { Redis } from "ioredis";
import { GenericContainer, getContainerRuntimeClient } from "testcontainers";
import { waitFor } from "../wait-for.ts";
import { freePorts } from "./ports.ts";

export interface RedisContainer {
  /** host:port */
  address: string;
  port: number;
  /** A connection for the test's own commands. */
  admin: Redis;
  /** kill -9. What is in its append-only file stays. */
  kill(): Promise<void>;
  /** Starts the server again and waits until it answers. */
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(): Promise<void>;
  unpause(): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisOptions {
  /** The port of this machine; else a free one. */
  port?: number;
  /** More arguments of redis-server, e.g. `--requirepass`. */
  args?: string[];
  /** Files in the container, by path. */
  files?: Record<string, string>;
  /** The password of the test's own connection. */
  password?: string;
  /** The server speaks TLS only. */
  tls?: { ca: string; cert: string; key: string };
}

export async function startRedis({
  port: wanted,
  args = [],
  files = {},
  password,
  tls,
}: RedisOptions = {}): Promise<RedisContainer> {
  const port = wanted ?? (await freePorts(1))[0]!;
  // The port is the same inside the container, since a cluster and sentinels send it to clients.
  const container = await new GenericContainer("redis:7")
    .withStartupTimeout(540_000)
    .withExposedPorts({ container: port, host: port })
    .withCopyContentToContainer(
      Object.entries(files).map(([target, content]) => ({ target, content })),
    )
    .withCommand([
      "redis-server",
      ...(tls
        ? ["--tls-port", `${port}`, "--port", "0"]
        : ["--port", `${port}`]),
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
      "--save",
      "",
      ...args,
    ])
    .start();
  const client = await getContainerRuntimeClient();
  const raw = client.container.getById(container.getId());
  const admin = new Redis({
    port,
    host: "127.0.0.1",
    protocol: 2,
    password,
    ...(tls ? { tls: { ...tls, rejectUnauthorized: false } } : {}),
    maxRetriesPerRequest: null,
    retryStrategy: () => 20,
  });
  admin.on("error", () => {}); // while it is down
  const redis: RedisContainer = {
    address: `127.0.0.1:${port}`,
    port,
    admin,
    async kill() {
      await raw.kill({ signal: "SIGKILL" });
      await raw.wait();
    },
    async start() {
      await raw.start();
      await waitFor(
        "Redis to answer",
        async () => (await admin.ping()) === "PONG",
      );
    },
    pause: () => raw.pause(),
    unpause: () => raw.unpause(),
    async stop() {
      admin.disconnect();
      await container.stop();
    },
  };
  await admin.ping();
  return redis;
}
