/** Turns JSON objects of a cluster into the values that YAML files give, so that the same code reads both. */
import type { Value } from "./yaml.ts";

/**
 * `name` is the object's: `component orders`. The place of each value is that name and
 * its path, `component orders, spec.metadata[0].value`. Members that are null are left out.
 */
export function valueOfJson(json: unknown, name: string, path = ""): Value {
  const at = { file: path ? `${name}, ${path}` : name, line: 0, column: 0 };
  if (Array.isArray(json))
    return {
      kind: "list",
      items: json.map((item, i) => valueOfJson(item, name, `${path}[${i}]`)),
      at,
    };
  if (typeof json !== "object" || json === null)
    return {
      kind: "text",
      text: json === null ? "" : String(json),
      ...(typeof json === "string" ? {} : { json: String(json) }),
      at,
    };
  const member = (key: string, value: unknown): Value => {
    const read = valueOfJson(value, name, path ? `${path}.${key}` : key);
    return { ...read, key: { name: key, at: read.at } };
  };
  const entries = new Map<string, Value>();
  for (const [key, value] of Object.entries(json))
    if (value !== null && value !== undefined)
      entries.set(key.toLowerCase(), member(key, value));
  return { kind: "map", entries, at };
}
