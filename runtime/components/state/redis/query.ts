/** The query API over RediSearch: its indexes, the query as FT.SEARCH, and its answer (docs/protocol/redis.md). */
import { Digits } from "../../../shared/json/go-json.ts";
import type {
  QueryResult,
  StateQuery,
} from "../../../contracts/state-store.ts";
import { isOwnKey } from "../../../contracts/state-keys.ts";
import { offsetOf, parseFilter, type Filter } from "../../state-filter.ts";

/** One of `queryIndexes`. */
export interface QueryIndex {
  /** Its name in queries. */
  name: string;
  /** Its name in Redis. Each prefix has its own, so that apps neither see each other's keys nor replace each other's index. */
  ownName: string;
  /** Arguments of FT.CREATE. */
  create: string[];
  /** JSON path below `data` → name in the index, `var<N>`. */
  aliases: Map<string, string>;
}

/** Reads `queryIndexes`: `[{name, indexes: [{key, type}]}]`. Throws on anything else. */
export function parseIndexes(
  text: string | undefined,
  keyPrefix: string,
): QueryIndex[] {
  if (!text) return [];
  let listed: unknown;
  try {
    listed = JSON.parse(text);
  } catch (error) {
    throw new Error(
      `error parsing query index schema: ${(error as Error).message}`,
      { cause: error },
    );
  }
  if (!Array.isArray(listed))
    throw new Error("error parsing query index schema: it must be an array");
  const indexes = listed.map((one) => toIndex(one, keyPrefix));
  const twice = indexes.find(({ name }, i) =>
    indexes.slice(0, i).some((one) => one.name === name),
  );
  if (twice) throw new Error(`duplicate schema name ${twice.name}`);
  return indexes;
}

function toIndex(
  one: {
    name?: unknown;
    indexes?: { key?: unknown; type?: unknown }[];
  },
  keyPrefix: string,
): QueryIndex {
  const { name, indexes = [] } = one ?? {};
  if (typeof name !== "string" || name === "")
    throw new Error("empty query schema name");
  const aliases = new Map<string, string>();
  const ownName = keyPrefix + name;
  const create = [ownName, "ON", "JSON", "PREFIX", "1", keyPrefix, "SCHEMA"];
  indexes.forEach(({ key, type }, n) => {
    if (typeof key !== "string" || key === "")
      throw new Error(`empty key in query schema ${name}`);
    if (typeof type !== "string" || type === "")
      throw new Error(`empty type in query schema ${name}`);
    aliases.set(key, `var${n}`);
    create.push(`$.data.${key}`, "AS", `var${n}`, type, "SORTABLE");
  });
  return { name, ownName, create, aliases };
}

/** Arguments of FT.SEARCH. Throws on what the index can't answer. */
export function toSearch(index: QueryIndex, query: StateQuery): string[] {
  const filter = parseFilter(query.filter);
  const args = [index.ownName, filter ? toText(filter, index) : "*"];
  const { sort = [], page } = query;
  if (sort.length > 1)
    throw new Error("redis sorts by one key: give one sort entry");
  for (const { key, order } of sort) {
    args.push("SORTBY", aliasOf(index, key));
    if (order === "DESC") args.push("DESC");
  }
  if (page?.limit && page.limit > 0)
    args.push("LIMIT", `${offsetOf(page.token)}`, `${page.limit}`);
  return [...args, "RETURN", "2", "$.data", "$.version"];
}

function aliasOf({ aliases }: QueryIndex, key: string): string {
  const alias = aliases.get(key);
  if (!alias) throw new Error(`JSON path "${key}" is not indexed`);
  return alias;
}

function toText(filter: Filter, index: QueryIndex): string {
  switch (filter.op) {
    case "AND":
    case "OR": {
      const parts = filter.filters.map((one) => toText(one, index));
      return `(${parts.join(filter.op === "AND" ? " " : "|")})`;
    }
    case "IN": {
      const { key, values } = filter;
      if (values.length < 2)
        throw new Error(`too few values in IN operator for key "${key}"`);
      return `(${values.map((value) => equals(aliasOf(index, key), value)).join("|")})`;
    }
    case "EQ":
      return `(${equals(aliasOf(index, filter.key), filter.value)})`;
    case "NEQ":
      return `-(${equals(aliasOf(index, filter.key), filter.value)})`;
    default:
      return `(@${aliasOf(index, filter.key)}:[${range(filter.op, filter.value)}])`;
  }
}

/** Text as one quoted phrase, so that nothing in it is read as an operator. */
function equals(alias: string, value: unknown): string {
  if (typeof value === "string")
    return `@${alias}:("${value.replace(/[\\"]/g, "\\$&")}")`;
  const number = numberOf(value);
  return `@${alias}:[${number} ${number}]`;
}

function range(op: "GT" | "GTE" | "LT" | "LTE", value: unknown): string {
  const number = numberOf(value);
  if (op === "GT") return `(${number} +inf`;
  if (op === "GTE") return `${number} +inf`;
  return op === "LT" ? `-inf (${number}` : `-inf ${number}`;
}

/** A number as text; RediSearch compares in float64. */
function numberOf(value: unknown): string {
  if (typeof value === "number" || value instanceof Digits) return `${value}`;
  throw new Error(
    `unsupported type of value ${JSON.stringify(value)}: a number is needed`,
  );
}

/** Reads FT.SEARCH's answer: a count, then a key and `["$.data", …, "$.version", …]` in turn. Leaves out keys that the app of this prefix can't have saved. */
export function toResult(
  reply: unknown,
  query: StateQuery,
  keyPrefix: string,
): QueryResult {
  if (!Array.isArray(reply) || reply.length % 2 !== 1)
    throw new Error("redis answered the query in a form that is not known");
  const results: QueryResult["results"] = [];
  for (let i = 1; i < reply.length; i += 2) {
    const key = String(reply[i]);
    if (!isOwnKey(key, keyPrefix)) continue;
    const fields = new Map<string, string>();
    const listed = (reply[i + 1] ?? []) as unknown[];
    for (let f = 0; f + 1 < listed.length; f += 2)
      fields.set(String(listed[f]), String(listed[f + 1]));
    const data = fields.get("$.data");
    const etag = fields.get("$.version");
    results.push(
      data === undefined
        ? { key, data: "", error: "the document has no data" }
        : { key, data, ...(etag === undefined ? {} : { etag }) },
    );
  }
  const limit = query.page?.limit ?? 0;
  const count = (reply.length - 1) / 2;
  return limit > 0 && count > 0
    ? { results, token: `${offsetOf(query.page?.token) + count}` }
    : { results };
}
