/** `/v1.0/state/{store}…` (docs/protocol/state.md). */
import { parseQuery } from "../../blocks/state/query.ts";
import type { States } from "../../blocks/state/state.ts";
import { ApiError } from "../../contracts/errors.ts";
import { queryMetadata } from "./query-metadata.ts";
import { readBody } from "./read-body.ts";
import {
  BodyError,
  type ApiReply,
  type ApiRequest,
  type Handler,
  type Route,
} from "./request.ts";
import { bulkReply, queryReply } from "./state-reply.ts";

export function stateRoutes(states: States): Route[] {
  const of = ({ params }: ApiRequest) => states.of(params["store"]!);

  const get: Handler = async (request) => {
    const { params, query } = request;
    const entry = await of(request).get(
      params["key"]!,
      parameter(query, "consistency"),
      queryMetadata(query),
      request,
    );
    if (!entry) return { status: 204 };
    const headers: Record<string, string> = {};
    if (entry.etag !== undefined) headers["etag"] = entry.etag;
    for (const name in entry.metadata)
      headers[`metadata.${name}`] = entry.metadata[name]!;
    return { status: 200, headers, body: entry.data } satisfies ApiReply;
  };

  const save: Handler = async (request) => {
    const store = of(request);
    const items = await readBody(request, "save");
    for (const { metadata } of items) addMetadata(metadata, request.query);
    await store.save(items, request);
    return { status: 204 };
  };

  const remove: Handler = async (request) => {
    const { params, query, headers } = request;
    const etag = headers["if-match"];
    await of(request).delete(
      {
        key: params["key"]!,
        ...(typeof etag === "string" ? { etag } : {}),
        options: {
          concurrency: parameter(query, "concurrency") ?? "",
          consistency: parameter(query, "consistency") ?? "",
        },
        metadata: queryMetadata(query),
      },
      request,
    );
    return { status: 204 };
  };

  const bulk: Handler = async (request) => {
    const store = of(request);
    const { keys, parallelism, metadata } = await readBody(request, "bulk");
    addMetadata(metadata, request.query);
    // A key that is asked for many times is read, and held, once.
    const once = [...new Set(keys)];
    const items = await store.bulkGet(once, parallelism, metadata, request);
    if (once.length === keys.length) return bulkReply(items);
    const byKey = new Map(items.map((item) => [item.key, item]));
    return bulkReply(keys.map((key) => byKey.get(key)!));
  };

  const transaction: Handler = async (request) => {
    const store = of(request);
    store.requireTransactions();
    const { operations, metadata } = await readBody(request, "transaction");
    addMetadata(metadata, request.query);
    await store.transact(operations, metadata, request);
    return { status: 204 };
  };

  const query: Handler = async (request) => {
    const store = of(request);
    store.requireQuery();
    const body = await queryBody(request, store.name);
    const metadata = queryMetadata(request.query);
    return queryReply(await store.query(body, metadata, request));
  };

  return [
    ["GET", "/v1.0/state/:store/:key", get],
    ["DELETE", "/v1.0/state/:store/:key", remove],
    ["POST", "/v1.0/state/:store/bulk", bulk],
    ["PUT", "/v1.0/state/:store/bulk", bulk],
    ["POST", "/v1.0/state/:store/transaction", transaction],
    ["PUT", "/v1.0/state/:store/transaction", transaction],
    ["POST", "/v1.0/state/:store", save],
    ["PUT", "/v1.0/state/:store", save],
    ["POST", "/v1.0-alpha1/state/:store/query", query],
    ["PUT", "/v1.0-alpha1/state/:store/query", query],
  ];
}

/** The query's metadata wins over the body's. */
function addMetadata(metadata: Record<string, string>, query: string) {
  if (query !== "") Object.assign(metadata, queryMetadata(query));
}

const parameter = (query: string, name: string): string | undefined =>
  query === ""
    ? undefined
    : (new URLSearchParams(query).get(name) ?? undefined);

async function queryBody(request: ApiRequest, store: string): Promise<unknown> {
  const bytes = await request.body().catch((error: unknown) => {
    if (!(error instanceof BodyError)) throw error;
    throw new ApiError("bodyRead", [error.message], { cause: error });
  });
  return parseQuery(store, bytes);
}
