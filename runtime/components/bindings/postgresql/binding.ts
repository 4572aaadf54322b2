/** bindings.postgresql: statements of the app's own, run in PostgreSQL. */
import type { Call } from "../../../contracts/call.ts";
import {
  defineBinding,
  type BindingRequest,
  type BindingResponse,
} from "../../../contracts/binding.ts";
import {
  openPostgres,
  type PostgresClient,
} from "../../clients/postgres/client.ts";
import {
  withSqlState,
  type ServerAnswer,
} from "../../clients/postgres/errors.ts";
import { jsonTypes, noValues, rowsJson } from "../../clients/postgres/json.ts";
import type { Lent, Rows, Statement } from "../../clients/postgres/pool.ts";
import {
  postgresMetadata,
  postgresServer,
} from "../../clients/postgres/settings.ts";
import { goDuration } from "../../../shared/units.ts";
import { parseParameters, toParameters } from "./parameters.ts";

/** A longer statement is not answered back: metadata become headers, and Node's clients take 16 KB of them. */
const longestAnsweredSql = 4096;

const answers: readonly ServerAnswer[] = [
  [
    "57014",
    /No source stream defined/,
    "COPY FROM STDIN needs a stream, and a request is none; use INSERT, or COPY from a file of the server",
  ],
];

type Operation = (
  client: PostgresClient,
  request: BindingRequest,
  call: Call | undefined,
) => Promise<BindingResponse>;

const operations: Record<string, Operation> = {
  async exec(client, { metadata }, call) {
    const how = { types: noValues };
    const { count } = await runRequest(client, metadata, how, call);
    return { metadata: { "rows-affected": `${count}` } };
  },

  async query(client, { metadata }, call) {
    const how = { types: jsonTypes, isSingle: true };
    const { rows } = await runRequest(client, metadata, how, call);
    return { data: Buffer.from(rowsJson(rows)) };
  },

  async ping(client, _, call) {
    await client.run({ text: "SELECT 1" }, [], call);
    return {};
  },
};

export const postgresql = defineBinding(
  "bindings.postgresql",
  postgresMetadata,
  async ({ meta, log }) => {
    const client = await openPostgres({
      server: postgresServer(meta),
      log,
      prepare: async () => {}, // to connect is enough
      answers,
    });
    let isClosed = false;

    function close(): Promise<void> {
      isClosed = true;
      return client.close();
    }

    return {
      operations: [...Object.keys(operations), "close"],
      async invoke(request, call) {
        if (request.operation === "close") {
          await close();
          return undefined;
        }
        if (isClosed)
          throw new Error(
            "component is closed: an app has asked for it; restart the sidecar to open it again",
          );
        const startedAt = Date.now();
        const started = performance.now();
        const { data, metadata } = await operations[request.operation]!(
          client,
          request,
          call,
        );
        const tookMs = performance.now() - started;
        const sql = request.metadata["sql"] ?? "";
        return {
          ...(data ? { data } : {}),
          metadata: {
            operation: request.operation,
            ...(sql && sql.length <= longestAnsweredSql ? { sql } : {}),
            "start-time": new Date(startedAt).toISOString(),
            "end-time": new Date(startedAt + tookMs).toISOString(),
            duration: goDuration(tookMs),
            ...metadata,
          },
        };
      },
      close,
    };
  },
  { check: ({ meta }) => void postgresServer(meta) },
);

async function runRequest(
  client: PostgresClient,
  { sql, params }: Record<string, string>,
  how: Omit<Statement, "text" | "name">,
  call: Call | undefined,
): Promise<Rows> {
  if (!sql) throw new Error("required metadata not set: sql");
  if (sql.includes("\0"))
    throw new Error("metadata property sql holds U+0000, which no SQL can");
  const values = parseParameters(params);
  try {
    return await client.lend(
      async (lent) =>
        runAlone(
          lent,
          { text: sql, ...how },
          await toParameters(lent, sql, values),
        ),
      call,
    );
  } catch (error) {
    throw new Error(`error executing query: ${withSqlState(error)}`, {
      cause: error,
    });
  }
}

/** Leaves no transaction open: the connection's next request is somebody else's. */
async function runAlone(
  lent: Lent,
  statement: Statement,
  values: unknown[],
): Promise<Rows> {
  let result: Rows;
  try {
    result = await lent.run(statement, values);
  } catch (error) {
    // Of several commands one may have begun a transaction before another failed; then this fails, too.
    if (!lent.isSpent && !statement.isSingle && values.length === 0)
      await lent.run({ text: "SELECT 1" }).catch(() => (lent.isSpent = true));
    throw error;
  }
  if (!lent.isInTransaction()) return result;
  lent.isSpent = true;
  throw new Error(
    "the statement left a transaction open, which is rolled back: the next request may have another connection; put BEGIN, the statements and COMMIT into one exec without params",
  );
}
