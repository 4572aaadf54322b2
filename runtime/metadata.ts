/**
 * Typed metadata tables: one table per component feeds the parser, the errors
 * and the component's page. The rules are those of Dapr's `kit/metadata`: keys in any
 * case, unknown keys pass (whoever opens a component warns), a bool other than y/yes/true/t/on/1 is false.
 */
import type { MetadataItem, Position } from "./contract.ts";

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
  Pick<Property<T>, "default" | "required" | "missing" | "secret" | "aliases">
>;

const property =
  <T>(kind: string, parse: (text: string) => T) =>
  <O extends Options<T>>(about: string, options?: O) =>
    ({ about, kind, parse, ...options }) as Property<
      O extends { required: true } | { default: T } ? T : T | undefined
    >;

export const text = property("text", (value) => value);
/** Comma-separated, not trimmed. */
export const list = property("list", (value) =>
  value === "" ? [] : value.split(","),
);
export const bool = property("bool", isTruthy);
export const number = property("number", (value) => {
  const parsed = Number(value);
  if (value.trim() === "" || !Number.isFinite(parsed))
    throw new Error(`"${value}" is not a number`);
  return parsed;
});
/** Milliseconds, from a Go duration (`1m30s`) or a bare number of seconds. */
export const duration = property("duration", (value) =>
  parseDurationMs(value, 1000),
);
/** Milliseconds, from a Go duration or a bare number of milliseconds. */
export const durationMs = property("duration", (value) =>
  parseDurationMs(value, 1),
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

/** y, yes, true, t, on, 1 in any case; all else is false. */
export function isTruthy(value: string | undefined): boolean {
  return /^(y|yes|true|t|on|1)$/i.test((value ?? "").trim());
}

/** n, no, false, f, off, 0 in any case, and an empty text. */
export function isFalsy(value: string | undefined): boolean {
  return /^(n|no|false|f|off|0|)$/i.test((value ?? "").trim());
}

const unitMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  // Go takes both signs that look like this: micro and the Greek letter.
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads a Go duration as milliseconds; a bare number counts in `bareUnitMs`. Throws on anything else. */
export function parseDurationMs(value: string, bareUnitMs: number): number {
  const input = value.trim();
  if (/^[+-]?\d+(\.\d+)?$/.test(input)) return Number(input) * bareUnitMs;
  const digits = input.replace(/^[+-]/, "");
  // Each part has to begin where the last one ended.
  const piece = /(\d+(?:\.\d*)?|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;
  let total = 0;
  do {
    const found = piece.exec(digits);
    if (!found)
      throw new Error(`"${value}" is not a duration such as 500ms or 1m30s`);
    total += Number(found[1]) * unitMs[found[2]!]!;
  } while (piece.lastIndex < digits.length);
  return input.startsWith("-") ? -total : total;
}

const quantityFactor: Record<string, number> = {
  "": 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Reads a Kubernetes quantity as a whole number of bytes. Throws on anything else (`100MB`). */
export function parseQuantity(value: string): number {
  const match = /^([+-]?\d+(?:\.\d+)?)(|k|K|M|G|T|Ki|Mi|Gi|Ti)$/.exec(
    value.trim(),
  );
  if (!match) throw new Error(`"${value}" is not a size such as 4Mi or 100k`);
  return Math.ceil(Number(match[1]) * quantityFactor[match[2]!]!);
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
      values[name] = property.parse(item.value);
    } catch (error) {
      throw new MetadataError(
        `metadata '${item.name}': ${property.secret || item.isSecret ? `not a ${property.kind}` : (error as Error).message}`,
        item.at,
      );
    }
  }
  return values as MetadataValues<T>;
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

/** The one of `names`, in any case, that `word` is most likely a slip of; none if all are too far. */
export function nearestName(
  word: string,
  names: readonly string[],
): string | undefined {
  const folded = word.toLowerCase();
  let most = folded.length < 4 ? 1 : folded.length < 9 ? 2 : 3;
  let found: string | undefined;
  for (const name of names) {
    // A word that is too long can't be near, and is not compared.
    if (Math.abs(name.length - folded.length) > most) continue;
    const edits = editDistance(folded, name.toLowerCase());
    if (edits > most || (found !== undefined && edits === most)) continue;
    found = name;
    most = edits;
  }
  return found;
}

/** Levenshtein distance. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[b.length]!;
}

/** A name as a message quotes it, shortened so that nobody's text fills the log. */
export const short = (name: string): string =>
  /^[\w./-]{1,60}$/.test(name) ? name : JSON.stringify(name.slice(0, 60));

/** `file:line:column`, or nothing. */
export function where(at: Position | undefined): string {
  if (!at) return "";
  return at.line > 0 ? `${at.file}:${at.line}:${at.column}` : at.file;
}
