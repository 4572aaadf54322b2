/**
 * The query API's filter as a tree: `{"EQ": {"person.org": "A"}}`, `IN` with a
 * list, `AND` and `OR` over two filters or more (docs/protocol/state.md).
 */
export type Comparison = "EQ" | "NEQ" | "GT" | "GTE" | "LT" | "LTE";

export type Filter =
  | { op: Comparison; key: string; value: unknown }
  | { op: "IN"; key: string; values: unknown[] }
  | { op: "AND" | "OR"; filters: Filter[] };

/** Reads a filter; undefined if there is none. Throws on anything else. */
export function parseFilter(
  filter: Record<string, unknown> | undefined,
): Filter | undefined {
  return filter && Object.keys(filter).length > 0
    ? parseOne(filter)
    : undefined;
}

function parseOne(filter: unknown): Filter {
  const [op, operand] = single(filter, "a filter");
  switch (op) {
    case "EQ":
    case "NEQ":
    case "GT":
    case "GTE":
    case "LT":
    case "LTE": {
      const [key, value] = single(operand, `an ${op} filter`);
      return { op, key, value };
    }
    case "IN": {
      const [key, values] = single(operand, "an IN filter");
      if (!Array.isArray(values))
        throw new Error(`the IN filter of "${key}" must be an array`);
      return { op, key, values };
    }
    case "AND":
    case "OR":
      if (!Array.isArray(operand) || operand.length < 2)
        throw new Error(`${op} filter must be an array of two entries or more`);
      return { op, filters: operand.map(parseOne) };
    default:
      throw new Error(`unsupported filter "${op}"`);
  }
}

function single(value: unknown, what: string): [string, unknown] {
  const entries =
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value)
      : [];
  if (entries.length !== 1)
    throw new Error(`${what} must be an object with one entry`);
  return entries[0]!;
}

/** The offset in `token`, which the page before gave; 0 without one. */
export function offsetOf(token: string | undefined): number {
  if (!token) return 0;
  if (!/^\d{1,15}$/.test(token))
    throw new Error(`page token "${token}" is not one that this store gave`);
  return Number(token);
}
