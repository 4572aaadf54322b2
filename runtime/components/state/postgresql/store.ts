/** state.postgresql, v1 and v2 (docs/protocol/postgresql.md): one store over two kinds of tables. */
import type { Call } from "../../../contracts/call.ts";
import type { OpenContext } from "../../../contracts/component.ts";
import {
  duration,
  orNegative,
  text,
  type MetadataTable,
  type MetadataValues,
} from "../../../contracts/metadata.ts";
import {
  defineStateStore,
  EtagError,
  type DeleteState,
  type SetState,
  type StateEntry,
  type StateOperation,
  type StateStore,
} from "../../../contracts/state-store.ts";
import {
  openPostgres,
  type PostgresClient,
} from "../../clients/postgres/client.ts";
import { wasRefused } from "../../clients/postgres/errors.ts";
import type { RunStatement } from "../../clients/postgres/pool.ts";
import {
  postgresMetadata,
  postgresServer,
} from "../../clients/postgres/settings.ts";
import { offsetOf } from "../../state-filter.ts";
import {
  etagOf,
  expireTimeOf,
  mustBeFirst,
  ttlOf,
} from "../../state-requests.ts";
import { stateAnswers, toUnfit } from "./answers.ts";
import { bulkSet } from "./bulk.ts";
import { tableName, type Dialect } from "./dialect.ts";
import { migrate, sweepEach } from "./upkeep.ts";
import { v1Dialect } from "./v1.ts";
import { v2Dialect } from "./v2.ts";

const common = {
  ...postgresMetadata,
  metadataTableName: text(
    "Table of the notes of migrations and sweeps, shared by all.",
    {
      default: "dapr_metadata",
    },
  ),
  cleanupInterval: duration(
    "Pause between sweeps of expired rows, by one sidecar for all; 0 or less: never.",
    {
      least: orNegative,
      default: 3_600_000,
      aliases: ["cleanupIntervalInSeconds"],
    },
  ),
} satisfies MetadataTable;

const v1Metadata = {
  ...common,
  tableName: text("Table of the state; may name a schema: `orders.state`.", {
    default: "state",
  }),
};

const v2Metadata = {
  ...common,
  tablePrefix: text(
    "Put before `state`; may hold a schema and its dot: `orders.`",
    {
      default: "",
    },
  ),
};

export const postgresqlV1 = defineStateStore(
  "state.postgresql",
  v1Metadata,
  (context) => open(context, v1Dialect(context.meta.tableName)),
  {
    check: ({ meta }) => {
      v1Dialect(meta.tableName);
      settingsOf(meta);
    },
  },
);

export const postgresqlV2 = defineStateStore(
  "state.postgresql",
  v2Metadata,
  (context) => open(context, v2Dialect(context.meta.tablePrefix)),
  {
    versions: ["v2"],
    check: ({ meta }) => {
      v2Dialect(meta.tablePrefix);
      settingsOf(meta);
    },
  },
);

/** Throws on what can't be. */
const settingsOf = (meta: MetadataValues<typeof common>) => ({
  metadataTable: tableName("metadataTableName", meta.metadataTableName),
  server: postgresServer(meta),
});

async function open(
  {
    meta,
    log,
  }: Pick<OpenContext, "log"> & { meta: MetadataValues<typeof common> },
  dialect: Dialect,
): Promise<StateStore> {
  const { metadataTable, server } = settingsOf(meta);
  const client = await openPostgres({
    server,
    log,
    prepare: (lent) => migrate(lent, dialect, metadataTable),
    answers: stateAnswers,
  });
  const stopSweeping =
    meta.cleanupInterval > 0
      ? sweepEach(meta.cleanupInterval, client, dialect, metadataTable, log)
      : () => {};
  // Half of the connections stay free for others.
  const parallel = Math.max(1, Math.floor(server.maxConnections / 2));
  return makeStore(client, dialect, parallel, stopSweeping);
}

/** `parallel`: the most connections that one save of many items takes. */
function makeStore(
  client: PostgresClient,
  dialect: Dialect,
  parallel: number,
  stopSweeping: () => void,
): StateStore {
  const toEntry = (row: unknown[]): StateEntry => ({
    data: dialect.toData(row),
    etag: row[2] as string,
    ...(row[3] === null
      ? {}
      : { metadata: { ttlExpireTime: expireTimeOf(row[3] as number) } }),
  });

  const runFor =
    (call: Call | undefined): RunStatement =>
    (statement, values) =>
      client.run(statement, values, call);

  const setOne = (request: SetState, call: Call | undefined) =>
    set(runFor(call), dialect, request).catch((error: unknown) => {
      throw toUnfit(error, request.key);
    });

  return {
    features: dialect.features,
    refuseKey: (key) =>
      key.includes("\0") ? "PostgreSQL's texts can't hold U+0000" : undefined,
    async get({ key }, call) {
      const statement = { name: "get", text: dialect.get };
      const { rows } = await client.run(statement, [key], call);
      return rows[0] && toEntry(rows[0]);
    },
    async bulkGet(requests, call) {
      const { rows } = await client.run(
        { name: "getMany", text: dialect.getMany },
        [requests.map(({ key }) => key)],
        call,
      );
      const found = new Map(
        rows.map((row) => [row[0] as string, toEntry(row)]),
      );
      return requests.map(({ key }) => found.get(key));
    },
    set: setOne,
    bulkSet: (requests, call) =>
      bulkSet(requests, {
        set: (request) => setOne(request, call),
        setPlain: (plain) => setPlain(runFor(call), dialect, plain),
        isRefusal: wasRefused,
        parallel,
      }),
    delete: (request, call) => erase(runFor(call), dialect, request),
    async transact(operations, _, call) {
      let key = "";
      const apply = (run: RunStatement, one: StateOperation) => {
        key = one.request.key;
        return one.operation === "upsert"
          ? set(run, dialect, one.request)
          : erase(run, dialect, one.request);
      };
      const applyAll = async (run: RunStatement) => {
        for (const one of operations) await apply(run, one);
      };
      try {
        if (operations.length > 1) await client.transaction(applyAll, call);
        else await applyAll(runFor(call));
      } catch (error) {
        throw toUnfit(error, key);
      }
    },
    ...(dialect.toQuery
      ? {
          async query(query, _, keyPrefix, call) {
            const { text, values } = dialect.toQuery!(query, keyPrefix);
            const { rows } = await client.run({ text }, values, call);
            const results = rows.map((row) => ({
              key: row[0] as string,
              data: dialect.toData(row),
              etag: row[2] as string,
            }));
            if (!query.page?.limit) return { results };
            const next = offsetOf(query.page.token) + results.length;
            return { results, token: `${next}` };
          },
        }
      : {}),
    async keys(prefix, after = "", limit, call) {
      const { rows } = await client.run(
        { name: "list", text: dialect.list },
        [prefix, after, limit],
        call,
      );
      const keys = rows.map(([key]) => key as string);
      return { keys, next: keys.length < limit ? null : keys.at(-1)! };
    },
    async close() {
      stopSweeping();
      await client.close();
    },
  };
}

async function set(run: RunStatement, dialect: Dialect, request: SetState) {
  const { key, value, metadata } = request;
  const etag = etagOf(request);
  const values = [key, lifeOf(metadata), ...dialect.toValues(value)];
  if (etag !== undefined) {
    values.push(dialect.toEtag(etag));
    const { count } = await run(
      { name: "update", text: dialect.update },
      values,
    );
    if (count !== 1) throw new EtagError("mismatch");
    return;
  }
  const name = mustBeFirst(request) ? "insert" : "upsert";
  const { count } = await run({ name, text: dialect[name] }, values);
  if (count !== 1)
    throw new EtagError("mismatch", new Error("no item was updated"));
}

/** As one statement. */
async function setPlain(
  run: RunStatement,
  dialect: Dialect,
  requests: SetState[],
) {
  const rows = requests.map(({ key, value, metadata }) => [
    key,
    lifeOf(metadata),
    ...dialect.toValues(value),
  ]);
  const columns = rows[0]!.map((_, column) => rows.map((row) => row[column]));
  await run({ name: "upsertMany", text: dialect.upsertMany }, columns);
}

/** Seconds to live; null means for good. */
function lifeOf(metadata: Record<string, string>): number | null {
  const ttl = ttlOf(metadata) ?? 0;
  return ttl > 0 ? ttl : null;
}

async function erase(
  run: RunStatement,
  dialect: Dialect,
  request: DeleteState,
) {
  const etag = etagOf(request);
  if (etag === undefined) {
    await run({ name: "delete", text: dialect.delete }, [request.key]);
    return;
  }
  const { count } = await run(
    { name: "deleteWithEtag", text: dialect.deleteWithEtag },
    [request.key, dialect.toEtag(etag)],
  );
  if (count !== 1) throw new EtagError("mismatch");
}
