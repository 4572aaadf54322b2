/**
 * A JSON object read as Go's encoding/json fills a struct: member names in any
 * case, the last of a name wins, null is the zero value, unknown ones are
 * ignored, another type is an error (docs/protocol/http-api.md).
 */
import { Digits } from "../../shared/json/go-json.ts";
import { maxEntries } from "../limits.ts";

/** The same limit as for bindings (docs/decisions/api.md). */
const maxMetadata = 10_000;

export class UnmarshalError extends Error {
  override name = "UnmarshalError";

  static ofValue(value: unknown, type: string): UnmarshalError {
    return new UnmarshalError(
      `json: cannot unmarshal ${kindOf(value)} into Go value of type ${type}`,
    );
  }
}

export class Members {
  readonly #members: Record<string, unknown> = Object.create(null) as Record<
    string,
    unknown
  >;
  readonly #struct: string;

  /** `type` as Go names it in an error; `struct` as in one about a field. */
  constructor(
    value: unknown,
    type: string,
    struct = type.slice(type.indexOf(".") + 1),
  ) {
    this.#struct = struct;
    if (!isObject(value)) throw UnmarshalError.ofValue(value, type);
    for (const name in value) this.#members[name.toLowerCase()] = value[name];
  }

  get(name: string): unknown {
    return this.#members[name.toLowerCase()];
  }

  #mismatch(value: unknown, name: string, type: string): UnmarshalError {
    return new UnmarshalError(
      `json: cannot unmarshal ${kindOf(value)} into Go struct field ${this.#struct}.${name} of type ${type}`,
    );
  }

  /** Empty when absent. */
  text(name: string, value = this.get(name)): string {
    if (value === undefined || value === null) return "";
    if (typeof value !== "string") throw this.#mismatch(value, name, "string");
    return value;
  }

  /** 0 when absent. */
  wholeNumber(name: string): number {
    const value = this.get(name);
    if (value === undefined || value === null) return 0;
    const number = value instanceof Digits ? Number(value.text) : value;
    if (!Number.isSafeInteger(number)) throw this.#mismatch(value, name, "int");
    return number as number;
  }

  /** Empty when absent. */
  list(name: string, type: string): unknown[] {
    const value = this.get(name);
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw this.#mismatch(value, name, type);
    return value as unknown[];
  }

  /** The member `metadata`: texts by name, without a prototype. */
  metadata(): Record<string, string> {
    const texts = Object.create(null) as Record<string, string>;
    const value = this.get("metadata");
    if (value === undefined || value === null) return texts;
    if (!isObject(value))
      throw this.#mismatch(value, "metadata", "map[string]string");
    let count = 0;
    for (const name in value) {
      if (++count > maxMetadata)
        throw new UnmarshalError(
          `metadata has more than ${maxMetadata} entries`,
        );
      texts[name] = this.text("metadata", value[name]);
    }
    return texts;
  }
}

/** What is wrong with the JSON. Any other error is ours, and no bad request. */
export function said(error: unknown): string {
  if (error instanceof SyntaxError || error instanceof UnmarshalError)
    return error.message;
  throw error;
}

export function limited<T>(list: T[]): T[] {
  if (list.length > maxEntries)
    throw new UnmarshalError(
      `${list.length} entries are more than ${maxEntries}; send them in several requests`,
    );
  return list;
}

/** A body that is a list; null is an empty one. */
export function listOf(parsed: unknown, type: string): unknown[] {
  if (parsed === null) return [];
  if (!Array.isArray(parsed)) throw UnmarshalError.ofValue(parsed, type);
  return limited(parsed as unknown[]);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  kindOf(value) === "object";

/** As Go's errors name it. */
export const kindOf = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "array"
      : typeof value === "boolean"
        ? "bool"
        : value instanceof Digits
          ? "number"
          : typeof value;
