/**
 * Typed metadata tables: one table per component feeds the parser, the errors
 * and the component's page. The rules are those of Dapr's `kit/metadata`: keys in any
 * case, unknown keys pass (whoever opens a component warns), a bool other than y/yes/true/t/on/1 is false.
 */
import { nearestName } from "../shared/nearest-name.ts";
import { isTruthy, parseDurationMs, parseQuantity } from "../shared/units.ts";
import type { Position } from "../shared/position.ts";

/** One entry of `spec.metadata`, its value already text (YAML 1.1 scalars, see docs/protocol/resources.md). */
export interface MetadataItem {
  name: string;
  value: string;
  at?: Position;
  /** Where its name is written; `at` is the place of its value. */
  nameAt?: Position;
  /** The value came from a secret store: no message may contain it. */
  isSecret?: boolean;
  /** As written it had `{namespace}`, which in a pub/sub component is about its topics too. */
  isNamespaced?: boolean;
}

export interface Property<T = unknown> {
  about: string;
  /** Shown in docs and errors: text, list, bool, number, duration, size or the choices. */
  kind: string;
  parse(text: string): T;
  default?: T;
  required?: boolean;
  /** The original's own words if it is required and absent, such as `schedule not set`. */
  missing?: string;
  secret?: boolean;
  /** Of a number or a duration; absent: any. */
  least?: number;
  /** Older names, used only when the main name is absent. */
  aliases?: string[];
}

export type MetadataTable = Record<string, Property>;

export type MetadataValues<T extends MetadataTable> = {
  [K in keyof T]: T[K] extends Property<infer V> ? V : never;
};

/** A component's metadata is wrong. `at` is the line to look at, or `property` the name that is on it. */
export class MetadataError extends Error {
  override name = "MetadataError";
  readonly at: Position | undefined;
  readonly property: string | undefined;

  constructor(message: string, at?: Position, property?: string) {
    super(message);
    this.at = at;
    this.property = property;
  }
}

type Options<T> = Partial<
  Pick<
    Property<T>,
    "default" | "required" | "missing" | "secret" | "aliases" | "least"
  >
>;

const property =
  <T>(kind: string, parse: (text: string) => T, least?: number) =>
  <O extends Options<T>>(about: string, options?: O) =>
    ({ about, kind, parse, least, ...options }) as Property<
      O extends { required: true } | { default: T } ? T : T | undefined
    >;

export const text = property("text", (value) => value);
/** As `least`: a negative value has a meaning, which the property's text tells. */
export const orNegative = -Infinity;
/** Comma-separated, not trimmed. */
export const list = property("list", (value) =>
  value === "" ? [] : value.split(","),
);
export const bool = property("bool", isTruthy);
/** At least 0, if `least` says nothing else. */
export const number = property(
  "number",
  (value) => {
    const parsed = Number(value);
    if (value.trim() === "" || !Number.isFinite(parsed))
      throw new Error(`"${value}" is not a number`);
    return parsed;
  },
  0,
);
/** Milliseconds, from a Go duration (`1m30s`) or a bare number of seconds. At least 0, if `least` says nothing else. */
export const duration = property(
  "duration",
  (value) => parseDurationMs(value, 1000),
  0,
);
/** Milliseconds, from a Go duration or a bare number of milliseconds. At least 0 as well. */
export const durationMs = property(
  "duration",
  (value) => parseDurationMs(value, 1),
  0,
);
/** Bytes, from a Kubernetes quantity (`100Mi`, `1G`). */
export const size = property("size", parseQuantity);

export function choice<const C extends string>(choices: readonly C[]) {
  return property<C>(choices.join(" | "), (value) => {
    const found = choices.find((c) => c.toLowerCase() === value.toLowerCase());
    if (found === undefined)
      throw new Error(`"${value}" is not one of ${choices.join(", ")}`);
    return found;
  });
}

/**
 * Reads items by a table. Throws {@link MetadataError} with the line to look at
 * for a missing required property, a value that does not parse, or two keys
 * that differ only by case.
 */
export function parseMetadata<T extends MetadataTable>(
  table: T,
  items: readonly MetadataItem[],
  at?: Position,
): MetadataValues<T> {
  const byName = new Map<string, MetadataItem>();
  for (const item of items) {
    const key = item.name.toLowerCase();
    if (byName.has(key))
      throw new MetadataError(
        `key ${key} is duplicate in the metadata`,
        item.at,
      );
    byName.set(key, item);
  }
  const values: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(table)) {
    const item = [name, ...(property.aliases ?? [])]
      .map((alias) => byName.get(alias.toLowerCase()))
      .find((found) => found !== undefined);
    if (item === undefined || item.value === "") {
      if (property.required) {
        const near = nearest(name, [...byName.keys()], table);
        throw new MetadataError(
          `${property.missing ?? `missing '${name}' attribute`}${near ? ` (did you mean '${name}' where it says '${byName.get(near)!.name}'?)` : ""}`,
          (near && byName.get(near)!.at) || item?.at || at,
        );
      }
      values[name] = property.default;
      continue;
    }
    try {
      values[name] = parseValue(property, item.value);
    } catch (error) {
      throw new MetadataError(
        `metadata '${item.name}': ${property.secret || item.isSecret ? `not a ${property.kind}` : (error as Error).message}`,
        item.at,
      );
    }
  }
  return values as MetadataValues<T>;
}

function parseValue({ parse, least }: Property, text: string): unknown {
  const value = parse(text);
  if (least !== undefined && (value as number) < least)
    throw new Error(
      `"${text}" is too small: ${least} or more, or leave it out for its default`,
    );
  return value;
}

/** The written key that looks most like a misspelt `wanted`: within two edits, and no property itself. */
function nearest(
  wanted: string,
  written: string[],
  table: MetadataTable,
): string | undefined {
  const known = new Set(Object.keys(table).map((key) => key.toLowerCase()));
  return nearestName(
    wanted,
    written.filter((key) => !known.has(key)),
  );
}
