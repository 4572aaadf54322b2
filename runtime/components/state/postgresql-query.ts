/** The query API over JSONB (v1). Paths and values are bound, never part of the statement. */
import type { StateQuery } from "../../state-store.ts";
import { offsetOf, parseFilter, type Filter } from "../state-filter.ts";

export interface BoundStatement {
  text: string;
  values: unknown[];
}

/** SELECT of `columns` in the order and the page wanted, of the keys that the prefix's app may have saved. Throws on what can't be asked. */
export function toStatement(
  query: StateQuery,
  keyPrefix: string,
  { columns, table, alive }: Record<"columns" | "table" | "alive", string>,
): BoundStatement {
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const path = (key: string) => `${bind(key.split("."))}::text[]`;
  const filter = parseFilter(query.filter);
  const prefix = `${bind(keyPrefix)}::text`;
  const own = `left(key, length(${prefix})) = ${prefix} AND strpos(substr(key, length(${prefix}) + 1), '||') = 0`;
  const where = filter ? ` AND ${toCondition(filter, bind, path)}` : "";
  const order = (query.sort ?? []).map(
    ({ key, order }) => `value #> ${path(key)} ${direction(order)}`,
  );
  // The key last, so that pages do not overlap.
  const sorted = ` ORDER BY ${[...order, "key"].join(", ")}`;
  const { limit = 0, token } = query.page ?? {};
  const offset = offsetOf(token);
  return {
    text:
      `SELECT ${columns} FROM ${table} WHERE ${alive} AND ${own}${where}${sorted}` +
      (limit > 0 ? ` LIMIT ${bind(limit)}::int` : "") +
      (offset > 0 ? ` OFFSET ${bind(offset)}::bigint` : ""),
    values,
  };
}

function direction(order: string | undefined): string {
  if (!order || /^asc$/i.test(order)) return "ASC";
  if (/^desc$/i.test(order)) return "DESC";
  throw new Error(`sort order "${order}" is not ASC or DESC`);
}

const operators = {
  EQ: "=",
  NEQ: "!=",
  GT: ">",
  GTE: ">=",
  LT: "<",
  LTE: "<=",
};

function toCondition(
  filter: Filter,
  bind: (value: unknown) => string,
  path: (key: string) => string,
): string {
  switch (filter.op) {
    case "AND":
    case "OR":
      return `(${filter.filters.map((one) => toCondition(one, bind, path)).join(` ${filter.op} `)})`;
    case "IN": {
      const { key, values } = filter;
      if (values.length === 0)
        throw new Error(`empty IN operator for key "${key}"`);
      return `value #>> ${path(key)} = ANY(${bind(values.map(textOf))}::text[])`;
    }
    case "EQ":
    case "NEQ":
      return `value #>> ${path(filter.key)} ${operators[filter.op]} ${bind(textOf(filter.value))}`;
    default: {
      if (typeof filter.value !== "number")
        throw new Error(
          `unsupported type of value ${JSON.stringify(filter.value)}: ${filter.op} compares numbers`,
        );
      const at = path(filter.key);
      return `(jsonb_typeof(value #> ${at}) = 'number' AND value #> ${at} ${operators[filter.op]} to_jsonb(${bind(filter.value)}::numeric))`;
    }
  }
}

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);
