/** Nested JSON as names and texts: `{"a":{"b":["x"]}}` is `a:b:0` = `x`. */
import { Digits } from "../../../shared/json/go-json.ts";

export type Json =
  string | Digits | boolean | null | Json[] | { [key: string]: Json };

/** Throws if two places make the same name; the message has the name only. */
export function flatten(
  content: { [key: string]: Json },
  separator: string,
): [name: string, value: string][] {
  const found = new Map<string, string>();
  const visit = (value: Json, name: string) => {
    if (isNested(value)) {
      for (const [key, inner] of Object.entries(value))
        visit(inner, name + separator + key);
      return;
    }
    if (found.has(name))
      throw new Error(
        `secretsFile: there are two secrets "${name}" once nested names are joined with "${separator}"; rename one or set nestedSeparator`,
      );
    found.set(name, value instanceof Digits ? value.text : String(value ?? ""));
  };
  for (const [key, value] of Object.entries(content)) visit(value, key);
  return [...found];
}

/** An object or a list. */
export const isNested = (
  value: Json,
): value is Json[] | { [key: string]: Json } =>
  typeof value === "object" && value !== null && !(value instanceof Digits);
