/** A PostgreSQL in a container. Its port stays the same when it is stopped and started again. */
import pg from "pg";
import { GenericContainer, getContainerRuntimeClient } from "testcontainers";
import { waitFor } from "../wait-for.ts";
import { freePorts } from "./ports.ts";

export interface PostgresContainer {
  port: number;
  /** The URL of a database. */
  url(database?: string): string;
  /** Runs a statement of the test's own. */
  query(text: string, values?: unknown[]): Promise<unknown[][]>;
  /** kill -9. What was committed stays. */
  kill(): Promise<void>;
  /** Starts the server again and waits until it answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export const postgresPassword = "canary-4711";

export interface PostgresOptions {
  /** The port of this machine; else a free one. */
  port?: number;
  password?: string;
  /** One more database. The statements of `query` are for it. */
  database?: string;
}

export async function startPostgres({
  port: wanted,
  password = postgresPassword,
  database: made = "postgres",
}: PostgresOptions = {}): Promise<PostgresContainer> {
  const port = wanted ?? (await freePorts(1))[0]!;
  const container = await new GenericContainer("postgres:15")
    .withExposedPorts({ container: 5432, host: port })
    .withEnvironment({ POSTGRES_PASSWORD: password, POSTGRES_DB: made })
    .withStartupTimeout(540_000)
    .start();
  const client = await getContainerRuntimeClient();
  const raw = client.container.getById(container.getId());
  const url = (database = made) =>
    `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
  const postgres: PostgresContainer = {
    port,
    url,
    async query(text, values) {
      const one = new pg.Client(url());
      one.on("error", () => {}); // a test may cut it off
      await one.connect();
      try {
        return (await one.query({ text, values, rowMode: "array" }))
          .rows as unknown[][];
      } finally {
        await one.end();
      }
    },
    async kill() {
      await raw.kill({ signal: "SIGKILL" });
      await raw.wait();
    },
    async start() {
      await raw.start();
      await answers();
    },
    stop: async () => void (await container.stop()),
  };
  // At first the image starts the server twice, and the first one listens only inside the container.
  const answers = () =>
    waitFor(
      "PostgreSQL to answer",
      () => postgres.query("SELECT 1").then(Boolean, () => false),
      30_000,
    );
  await answers();
  return postgres;
}
