/** Tables of state.postgresql v2: values as bytes, the etag is a UUID per write (docs/protocol/postgresql.md). */
import { EtagError } from "../../../contracts/state-store.ts";
import { expiry, inMs, listKeys, tableName, type Dialect } from "./dialect.ts";

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

export function v2Dialect(tablePrefix: string): Dialect {
  const table = tableName("tablePrefix", `${tablePrefix}state`);
  const alive = "(expires_at IS NULL OR expires_at >= CURRENT_TIMESTAMP)";
  const columns = `key, value, etag::text, ${inMs("expires_at")}`;
  const insert = `INSERT INTO ${table} AS stored (key, expires_at, value, etag)`;
  const replace = `ON CONFLICT (key) DO UPDATE SET
      value = excluded.value, etag = excluded.etag,
      expires_at = excluded.expires_at, updated_at = CURRENT_TIMESTAMP`;
  const upsert = `${insert} VALUES ($1, ${expiry("$2")}, $3, gen_random_uuid()) ${replace}`;
  return {
    store: "state.postgresql v2",
    table,
    tableProperty: "tablePrefix",
    columns: ["key", "value", "etag", "created_at", "updated_at", "expires_at"],
    features: ["ETAG", "TRANSACTIONAL", "TTL", "KEYS_LIKE"],
    migrations: {
      key: `migrations-state-v2-${tablePrefix}`,
      steps: [
        `CREATE TABLE IF NOT EXISTS ${table} (
          key text NOT NULL PRIMARY KEY,
          value bytea NOT NULL,
          etag uuid NOT NULL DEFAULT gen_random_uuid(),
          created_at timestamp with time zone NOT NULL DEFAULT now(),
          updated_at timestamp with time zone,
          expires_at timestamp with time zone
        );
        CREATE INDEX ON ${table} (expires_at)`,
      ],
    },
    cleanupKey: `last-cleanup-state-v2-${tablePrefix}`,
    deleteExpired: `DELETE FROM ${table} WHERE expires_at IS NOT NULL AND expires_at < CURRENT_TIMESTAMP`,
    get: `SELECT ${columns} FROM ${table} WHERE key = $1 AND ${alive}`,
    getMany: `SELECT ${columns} FROM ${table} WHERE key = ANY($1) AND ${alive}`,
    list: listKeys(table, alive),
    upsert,
    // In the order of the keys, so that two such statements never deadlock.
    upsertMany: `${insert} SELECT k, ${expiry("s")}, v, gen_random_uuid()
      FROM unnest($1::text[], $2::float8[], $3::bytea[]) AS given (k, s, v)
      ORDER BY k ${replace}`,
    insert: `${upsert} WHERE stored.expires_at < CURRENT_TIMESTAMP`,
    update: `UPDATE ${table} SET value = $3, etag = gen_random_uuid(),
        expires_at = ${expiry("$2")}, updated_at = CURRENT_TIMESTAMP
      WHERE key = $1 AND etag = $4::uuid AND ${alive}`,
    delete: `DELETE FROM ${table} WHERE key = $1`,
    deleteWithEtag: `DELETE FROM ${table} WHERE key = $1 AND etag = $2::uuid`,
    // A text would be read as the notation of bytea.
    toValues: (value) => [Buffer.from(value as Uint8Array)],
    toData: ([, value]) => value as Buffer,
    toEtag(etag) {
      if (uuid.test(etag)) return etag;
      throw new EtagError("invalid", new Error(`"${etag}" is not a UUID`));
    },
  };
}
