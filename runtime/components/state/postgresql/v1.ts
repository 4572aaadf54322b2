/** Tables of state.postgresql v1: values as JSONB, the etag is the row's xmin (docs/protocol/postgresql.md). */
import { EtagError } from "../../../contracts/state-store.ts";
import { expiry, inMs, listKeys, tableName, type Dialect } from "./dialect.ts";
import { toStatement } from "./query.ts";

export function v1Dialect(writtenTable: string): Dialect {
  const table = tableName("tableName", writtenTable);
  const alive = "(expiredate IS NULL OR expiredate >= CURRENT_TIMESTAMP)";
  const columns = `key, value::text, xmin::text, ${inMs("expiredate")}, isbinary`;
  const insert = `INSERT INTO ${table} AS stored (key, expiredate, value, isbinary)`;
  const replace = `ON CONFLICT (key) DO UPDATE SET
      value = excluded.value, isbinary = excluded.isbinary,
      expiredate = excluded.expiredate, updatedate = CURRENT_TIMESTAMP`;
  const upsert = `${insert} VALUES ($1, ${expiry("$2")}, $3::jsonb, $4) ${replace}`;
  return {
    store: "state.postgresql v1",
    table,
    tableProperty: "tableName",
    // expiredate is not among them: it is added to a table that lacks it.
    columns: ["key", "value", "isbinary", "insertdate", "updatedate"],
    features: ["ETAG", "TRANSACTIONAL", "QUERY_API", "TTL", "KEYS_LIKE"],
    migrations: {
      key: "migrations",
      steps: [
        `CREATE TABLE IF NOT EXISTS ${table} (
          key text NOT NULL PRIMARY KEY,
          value jsonb NOT NULL,
          isbinary boolean NOT NULL,
          insertdate timestamp with time zone NOT NULL DEFAULT now(),
          updatedate timestamp with time zone NULL
        )`,
        `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS expiredate timestamp with time zone`,
      ],
    },
    // The original has one entry for all tables, so a sweep of one would count for the others.
    cleanupKey: table === "state" ? "last-cleanup" : `last-cleanup-${table}`,
    deleteExpired: `DELETE FROM ${table} WHERE expiredate IS NOT NULL AND expiredate < CURRENT_TIMESTAMP`,
    get: `SELECT ${columns} FROM ${table} WHERE key = $1 AND ${alive}`,
    getMany: `SELECT ${columns} FROM ${table} WHERE key = ANY($1) AND ${alive}`,
    list: listKeys(table, alive),
    upsert,
    // In the order of the keys, so that two such statements never deadlock.
    upsertMany: `${insert} SELECT k, ${expiry("s")}, v::jsonb, b
      FROM unnest($1::text[], $2::float8[], $3::text[], $4::boolean[]) AS given (k, s, v, b)
      ORDER BY k ${replace}`,
    insert: `${upsert} WHERE stored.expiredate < CURRENT_TIMESTAMP`,
    update: `UPDATE ${table} SET value = $3::jsonb, isbinary = $4,
        expiredate = ${expiry("$2")}, updatedate = CURRENT_TIMESTAMP
      WHERE key = $1 AND xmin = $5::text::xid AND ${alive}`,
    delete: `DELETE FROM ${table} WHERE key = $1`,
    deleteWithEtag: `DELETE FROM ${table} WHERE key = $1 AND xmin = $2::text::xid`,
    toValues: (value) =>
      typeof value === "string"
        ? [value, false]
        : [JSON.stringify(Buffer.from(value).toString("base64")), true],
    toData: ([, value, , , isBinary]) =>
      isBinary
        ? Buffer.from(JSON.parse(value as string), "base64")
        : (value as string),
    toEtag(etag) {
      if (/^\d{1,10}$/.test(etag) && Number(etag) < 2 ** 32) return etag;
      throw new EtagError("invalid", new Error(`"${etag}" is not a number`));
    },
    toQuery: (query, keyPrefix) =>
      toStatement(query, keyPrefix, { columns, table, alive }),
  };
}
