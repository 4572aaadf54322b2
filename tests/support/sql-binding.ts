/** A sidecar with bindings.postgresql as `sqldb`, and requests to it. */
import { component, type Item } from "./component.ts";
import { startDaprd, type Daprd } from "./daprd.ts";
import type { Reply } from "./http.ts";
import type { PostgresContainer } from "./postgres-server.ts";

export interface Start {
  type?: string;
  metadata?: Record<string, Item>;
  until?: "outbound" | "nothing";
}

/** Starts the sidecar. The binding uses the given server unless `metadata` says otherwise. */
export const startSqlBinding = (
  postgres: PostgresContainer,
  { type, metadata, until }: Start = {},
): Promise<Daprd> =>
  startDaprd({
    resources: {
      "sqldb.yaml": component("sqldb", type ?? "bindings.postgresql", {
        connectionString: postgres.url(),
        ...metadata,
      }),
    },
    until,
  });

export const ask = (
  sidecar: Daprd,
  operation: string,
  metadata?: Record<string, string>,
): Promise<Reply> =>
  sidecar.call("POST", "/v1.0/bindings/sqldb", {
    body: JSON.stringify({ operation, metadata }),
  });

export const run = (
  sidecar: Daprd,
  operation: "exec" | "query",
  sql: string,
  params?: unknown,
): Promise<Reply> =>
  ask(sidecar, operation, {
    sql,
    ...(params === undefined
      ? {}
      : {
          params: typeof params === "string" ? params : JSON.stringify(params),
        }),
  });

/** The value that a `select` returns, as its JSON text, in which each digit is kept. */
export async function valueOf(sidecar: Daprd, sql: string, params?: unknown) {
  const { status, text } = await run(sidecar, "query", `select ${sql}`, params);
  return status === 200 ? text.slice(2, -2) : text;
}
