/** Makes and changes tables once, and sweeps expired rows; whichever sidecar comes first does it. */
import { messageOf } from "../../../shared/message-of.ts";
import type { Logger } from "../../../shared/log.ts";
import type { PostgresClient } from "../../clients/postgres/client.ts";
import { startInterval } from "../../../shared/timers.ts";
import { UnusableError } from "../../clients/postgres/errors.ts";
import {
  inTransaction,
  type Lent,
  type RunStatement,
} from "../../clients/postgres/pool.ts";
import { rights, type Dialect } from "./dialect.ts";

/** SQLSTATEs that mean that a key, a type or a table exists already. */
const duplicates = new Set<string | undefined>(["23505", "42710", "42P07"]);

/** Brings the tables up to date, over one connection that holds a lock meanwhile. The original takes the same lock. */
export async function migrate(
  lent: Lent,
  dialect: Dialect,
  metadataTable: string,
): Promise<void> {
  const { run } = lent;
  const {
    table,
    migrations: { key, steps },
  } = dialect;
  if (!(await isThere(run, metadataTable))) {
    const make = () =>
      run({
        text: `CREATE TABLE IF NOT EXISTS ${metadataTable} (key text NOT NULL PRIMARY KEY, value text NOT NULL)`,
      });
    // If several do this at the same time, all but one may get a duplicate error. Then they find the table.
    await make().catch((error: { code?: string }) => {
      if (!duplicates.has(error.code)) throw notMade(error, metadataTable);
      return make();
    });
  }
  await mustHave(run, metadataTable, ["SELECT", "INSERT", "UPDATE"]);
  await run(
    {
      text: `INSERT INTO ${metadataTable} (key, value) VALUES ($1, $1) ON CONFLICT (key) DO NOTHING`,
    },
    ["lock"],
  );
  await inTransaction(lent, async () => {
    await run(
      { text: `SELECT value FROM ${metadataTable} WHERE key = $1 FOR UPDATE` },
      ["lock"],
    );
    const { rows } = await run(
      { text: `SELECT value FROM ${metadataTable} WHERE key = $1` },
      [key],
    );
    const level = rows[0]?.[0] ?? 0;
    const done = Number(level);
    if (!Number.isInteger(done) || done < 0)
      throw new UnusableError(
        `invalid migration level found in ${metadataTable}: ${level}`,
      );
    const wasThere = await isThere(run, table);
    if (wasThere) await mustBeOwn(run, dialect);
    // The noted level may be another table's: v1 has one level for all tables.
    for (let step = wasThere ? done : 0; step < steps.length; step++) {
      await run({ text: steps[step]! }).catch((error: unknown) => {
        throw notMade(error, table);
      });
      await run(
        {
          text: `INSERT INTO ${metadataTable} (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
        },
        [key, `${Math.max(done, step + 1)}`],
      );
    }
    await mustHave(run, table, rights);
  });
}

async function isThere(run: RunStatement, table: string): Promise<boolean> {
  const { rows } = await run({ text: "SELECT to_regclass($1) IS NOT NULL" }, [
    table,
  ]);
  return rows[0]![0] as boolean;
}

/** The error for a user who may not make or change a table; else the error as it is. */
const notMade = (error: unknown, table: string): unknown =>
  (error as { code?: string }).code === "42501"
    ? new UnusableError(
        `table ${table} can't be made or changed: ${messageOf(error)}; let its owner do it, or GRANT CREATE on the schema`,
        { cause: error },
      )
    : error;

/** Throws if the table is not one of this store and version. */
async function mustBeOwn(
  run: RunStatement,
  { store, table, tableProperty, columns }: Dialect,
) {
  const { rows } = await run(
    {
      text: "SELECT name FROM unnest($2::text[]) AS name WHERE NOT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = name AND NOT attisdropped)",
    },
    [table, columns],
  );
  if (rows.length === 0) return;
  throw new UnusableError(
    `table ${table} is there and is none of ${store}: it lacks ${rows.flat().join(", ")}; it may be of another version, so name another table in ${tableProperty}`,
  );
}

/** Throws if a right is missing, so that it is reported before a request needs it. */
async function mustHave(run: RunStatement, table: string, needed: string[]) {
  const { rows } = await run(
    {
      text: "SELECT current_user::text, needed FROM unnest($2::text[]) AS needed WHERE NOT has_table_privilege(to_regclass($1), needed)",
    },
    [table, needed],
  );
  if (rows.length === 0) return;
  const user = rows[0]![0];
  const lacking = rows.map(([, right]) => right).join(", ");
  throw new UnusableError(
    `user ${user} lacks ${lacking} on table ${table}: GRANT ${lacking} ON ${table} TO ${user}`,
  );
}

/** Deletes expired rows; in each interval one of all sidecars does it. Returns how to stop it. */
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
