/** The query API over JSONB (v1). Paths and values are bound, never part of the statement. */
import { Digits, encode } from "../../../shared/json/go-json.ts";
import type { StateQuery } from "../../../contracts/state-store.ts";
import { isOwn } from "./dialect.ts";
import { offsetOf, parseFilter, type Filter } from "../../state-filter.ts";

export interface BoundStatement {
  text: string;
  values: unknown[];
}

/** SELECT of `columns` in the wanted order and page, among the keys that the app of this prefix may have saved. Throws on queries that can't be expressed. */
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
      `SELECT ${columns} FROM ${table} WHERE ${alive} AND ${isOwn(prefix)}${where}${sorted}` +
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
      const at = path(key);
      const numbers = values.filter(isNumber).map(textOf);
      const same =
        numbers.length > 0
          ? ` OR ${isNumberAt(at)} AND value #> ${at} = ANY(SELECT to_jsonb(n) FROM unnest(${bind(numbers)}::numeric[]) AS n)`
          : "";
      return `(value #>> ${at} = ANY(${bind(values.map(textOf))}::text[])${same})`;
    }
    case "EQ":
    case "NEQ": {
      const at = path(filter.key);
      const equal = `value #>> ${at} = ${bind(textOf(filter.value))}`;
      // Compared as text only, 10 would differ from a stored 10.00.
      const same = isNumber(filter.value)
        ? `(${equal} OR ${isNumberAt(at)} AND value #> ${at} = to_jsonb(${bind(textOf(filter.value))}::numeric))`
        : equal;
      return filter.op === "EQ" ? same : `NOT (${same})`;
    }
    default: {
      if (!isNumber(filter.value))
        throw new Error(
          `unsupported type of value ${JSON.stringify(filter.value)}: ${filter.op} compares numbers`,
        );
      const at = path(filter.key);
      return `(${isNumberAt(at)} AND value #> ${at} ${operators[filter.op]} to_jsonb(${bind(textOf(filter.value))}::numeric))`;
    }
  }
}

const isNumber = (value: unknown): value is number | Digits =>
  typeof value === "number" || value instanceof Digits;

const isNumberAt = (path: string) =>
  `jsonb_typeof(value #> ${path}) = 'number'`;

const textOf = (value: unknown): string =>
  typeof value === "string" ? value : encode(value);
