/** Tables are made and changed once, and expired rows swept, by whichever sidecar comes first. */
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { PostgresClient } from "../clients/postgres-client.ts";
import { inTransaction, type RunStatement } from "../clients/postgres-pool.ts";
import type { Dialect } from "./postgresql-dialect.ts";
import { startInterval } from "../../timers.ts";

/** SQLSTATE of a key, a type and a table that are there already. */
const duplicates = new Set<string | undefined>(["23505", "42710", "42P07"]);

/** Brings the tables up to date. `run` is one connection: a lock is held on it meanwhile, the original's too. */
export async function migrate(
  run: RunStatement,
  { table, migrations: { key, steps } }: Dialect,
  metadataTable: string,
): Promise<void> {
  const ensure = {
    text: `CREATE TABLE IF NOT EXISTS ${metadataTable} (key text NOT NULL PRIMARY KEY, value text NOT NULL)`,
  };
  // Of several at the same time all but one may be told of a duplicate, and then find the table.
  await run(ensure).catch((error: { code?: string }) => {
    if (!duplicates.has(error.code)) throw error;
    return run(ensure);
  });
  await run(
    {
      text: `INSERT INTO ${metadataTable} (key, value) VALUES ($1, $1) ON CONFLICT (key) DO NOTHING`,
    },
    ["lock"],
  );
  await inTransaction(run, async () => {
    await run(
      { text: `SELECT value FROM ${metadataTable} WHERE key = $1 FOR UPDATE` },
      ["lock"],
    );
    const { rows } = await run(
      {
        text: `SELECT value, to_regclass($2) IS NOT NULL FROM ${metadataTable} WHERE key = $1`,
      },
      [key, table],
    );
    const [level = 0, isThere] = rows[0] ?? [];
    const done = Number(level);
    if (!Number.isInteger(done) || done < 0)
      throw new Error(
        `invalid migration level found in ${metadataTable}: ${level}`,
      );
    // The steps noted down are another table's: v1 counts those of all tables as one.
    for (let step = isThere ? done : 0; step < steps.length; step++) {
      await run({ text: steps[step]! });
      await run(
        {
          text: `INSERT INTO ${metadataTable} (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
        },
        [key, `${Math.max(done, step + 1)}`],
      );
    }
  });
}

/** Deletes what has expired, each interval once among all sidecars. Returns how to stop it. */
export function sweepEach(
  intervalMs: number,
  client: PostgresClient,
  dialect: Dialect,
  metadataTable: string,
  log: Logger,
): () => void {
  const take = {
    text: `INSERT INTO ${metadataTable} AS noted (key, value) VALUES ($1, now()::text)
      ON CONFLICT (key) DO UPDATE SET value = now()::text
      WHERE EXTRACT(EPOCH FROM now() - noted.value::timestamp with time zone) * 1000 > $2::float8`,
  };
  async function sweep() {
    try {
      // A little less than the interval: timers are not exact.
      const { count } = await client.run(take, [
        dialect.cleanupKey,
        intervalMs - 100,
      ]);
      if (count === 0) return;
      const swept = await client.run({ text: dialect.deleteExpired });
      log.info(`Removed ${swept.count} expired rows`);
    } catch (error) {
      log.error(`Error removing expired data: ${messageOf(error)}`);
    }
  }
  const timer = startInterval(() => void sweep(), intervalMs).unref();
  return () => clearInterval(timer);
}
