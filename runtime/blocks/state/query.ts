/** Checks the shape of a query: one known operator per filter. What it means is the store's business (docs/protocol/state.md). */
import { decodeFirst, Digits } from "../../shared/json/go-json.ts";
import { stateErrors } from "./errors.ts";
import type { StateQuery } from "../../contracts/state-store.ts";

const comparisons = ["EQ", "NEQ", "GT", "GTE", "LT", "LTE"];
const maxDepth = 100;

/** A longer one would hold everybody up while it is parsed. */
const maxQueryBytes = 128 * 1024;

/** A query as it came, for {@link checkQuery}. Throws the documented ApiError. */
export function parseQuery(store: string, bytes: Uint8Array): unknown {
  try {
    if (bytes.length > maxQueryBytes)
      throw new SyntaxError(`longer than ${maxQueryBytes} bytes`);
    return decodeFirst(bytes);
  } catch (error) {
    const why = `failed to parse JSON query body: ${(error as Error).message}`;
    throw stateErrors.query(store, why, error);
  }
}

/** Names at the top are read in any case, those below exactly. Throws on anything but a query. */
export function checkQuery(body: unknown): StateQuery {
  const query: StateQuery = {};
  for (const [name, value] of Object.entries(objectOf(body ?? {}, "query")))
    switch (value === null ? "" : name.toLowerCase()) {
      case "filter": {
        const filter = objectOf(value, "filter");
        if (Object.keys(filter).length > 0) {
          checkFilter(filter, 0);
          query.filter = filter;
        }
        break;
      }
      case "sort":
        query.sort = listOf(value, "sort").map(sortOf);
        break;
      case "page":
        query.page = pageOf(objectOf(value, "page"));
    }
  return query;
}

function checkFilter(filter: unknown, depth: number) {
  if (depth > maxDepth) throw new Error("filters are nested too deep");
  const entries = Object.entries(objectOf(filter, "filter unit"));
  if (entries.length !== 1)
    throw new Error("filter unit must have a single element");
  const [operator, operand] = entries[0]!;
  if (operator === "AND" || operator === "OR") {
    const filters = listOf(operand, `${operator} filter`);
    if (filters.length < 2)
      throw new Error(`${operator} filter must contain at least two entries`);
    for (const one of filters) checkFilter(one, depth + 1);
    return;
  }
  if (!comparisons.includes(operator) && operator !== "IN")
    throw new Error(`unsupported filter ${JSON.stringify(operator)}`);
  const pairs = Object.entries(objectOf(operand, `${operator} filter`));
  if (pairs.length !== 1)
    throw new Error(`${operator} filter must contain a single key/value pair`);
  if (operator === "IN") listOf(pairs[0]![1], "IN filter value");
}

function sortOf(value: unknown): { key: string; order?: string } {
  const { key, order } = objectOf(value, "sort entry");
  if (typeof key !== "string" || key === "")
    throw new Error("sort entry must have a key");
  if (order === undefined || order === null || order === "") return { key };
  if (order !== "ASC" && order !== "DESC")
    throw new Error(`sort order of ${JSON.stringify(key)} must be ASC or DESC`);
  return { key, order };
}

function pageOf({ limit, token }: Record<string, unknown>) {
  const page: NonNullable<StateQuery["page"]> = {};
  if (limit !== undefined && limit !== null) {
    const number = limit instanceof Digits ? Number(limit.text) : limit;
    if (!Number.isSafeInteger(number))
      throw new Error("page limit must be a whole number");
    page.limit = number as number;
  }
  if (token !== undefined && token !== null) {
    if (typeof token !== "string") throw new Error("page token must be text");
    page.token = token;
  }
  return page;
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (
    typeof value !== "object" ||
    value === null ||
    Array.isArray(value) ||
    value instanceof Digits
  )
    throw new Error(`${what} must be a map`);
  return value as Record<string, unknown>;
}

function listOf(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} must be an array`);
  return value;
}
