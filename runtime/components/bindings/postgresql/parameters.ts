/** The parameters of a statement, from a JSON list to what PostgreSQL reads. */
import { messageOf } from "../../../shared/message-of.ts";
import { decode, Digits, encode } from "../../../shared/json/go-json.ts";
import { wasRefused } from "../../clients/postgres/errors.ts";
import { isJsonType } from "../../clients/postgres/json.ts";
import { inTransaction, type Lent } from "../../clients/postgres/pool.ts";

/** A message of the protocol counts them in two bytes. */
const mostParameters = 65_535;
/** PostgreSQL's own limit. */
const mostDimensions = 6;
/** Text numbers up to this long are the same as the number that float64 makes of them. */
const exactLength = 15;

/** The values of `params`. Throws where it is no JSON list. */
export function parseParameters(params: string | undefined): unknown[] {
  if (!params) return [];
  const invalid = (why: string) =>
    new Error(
      `invalid metadata property params: failed to unserialize into an array: ${why}`,
    );
  let values: unknown;
  try {
    values = decode(Buffer.from(params));
  } catch (error) {
    throw invalid(messageOf(error));
  }
  if (values === null) return [];
  if (!Array.isArray(values)) throw invalid("it is JSON, but no list");
  if (values.length > mostParameters)
    throw new Error(
      `invalid metadata property params: it has ${values.length} values, and PostgreSQL takes ${mostParameters}`,
    );
  return values;
}

/** Each value as `pg` sends it: texts that the server reads by the parameter's type. */
export async function toParameters(
  lent: Lent,
  sql: string,
  values: unknown[],
): Promise<unknown[]> {
  // Only a list has two ways to be written.
  const types = values.some(Array.isArray) ? await typesOf(lent, sql) : [];
  return values.map((value, i) =>
    Array.isArray(value) && isJsonType(types[i] ?? 0)
      ? encode(value)
      : toParameter(value, 0),
  );
}

function toParameter(value: unknown, depth: number): unknown {
  if (Array.isArray(value)) {
    if (depth === mostDimensions)
      throw new Error(
        `invalid metadata property params: a list is nested deeper than PostgreSQL's arrays, which have ${mostDimensions} dimensions`,
      );
    return value.map((item) => toParameter(item, depth + 1));
  }
  if (typeof value === "number") return String(value);
  if (value instanceof Digits) return decimal(value.text);
  return typeof value === "object" && value !== null ? encode(value) : value;
}

/** `2.0` and `1e3` are whole numbers, which an integer column takes. */
function decimal(text: string): string {
  const number = Number(text);
  return text.length <= exactLength && Number.isInteger(number)
    ? String(number)
    : text;
}

/** The type of each parameter, asked of the server. None where it can't tell: the statement itself will say why. */
async function typesOf(lent: Lent, sql: string): Promise<number[]> {
  try {
    // In one transaction, since a pooler may hand out another connection after each.
    return await inTransaction(lent, async (run) => {
      await run({ text: `PREPARE dapr_parameters AS ${sql}`, isSingle: true });
      const { rows } = await run({
        text: "SELECT parameter_types::oid[]::text[] FROM pg_prepared_statements WHERE name = 'dapr_parameters'",
      });
      await run({ text: "DEALLOCATE dapr_parameters" });
      return (rows[0]![0] as string[]).map(Number);
    });
  } catch (error) {
    if (wasRefused(error)) return [];
    throw error;
  }
}
