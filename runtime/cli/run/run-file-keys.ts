/** The keys of a run file and what their values must be. Unknown keys pass, as in the original; run-file-unknown.ts warns of them. */
import type { Flag, ValueOf } from "../../options/flag.ts";
import { allOptions, type Options } from "../../options/index.ts";
import type { FileKey } from "../../options/option.ts";

type Kind = Flag["type"] | "map";
type KeyTable = Record<string, Kind>;
type Value<K extends Kind> = K extends "map"
  ? Record<string, string>
  : ValueOf<K>;
/** A key that is not in the file is undefined. */
type Values<T extends KeyTable> = { [K in keyof T]: Value<T[K]> | undefined };

/** The type of each key that is an option. */
type OptionKeys<Place extends object> = {
  [
    N in keyof Options as Options[N] extends {
      file: Place & { key: infer K extends string };
    }
      ? K
      : never
  ]: Options[N] extends { run: { type: infer T extends Kind } } ? T : never;
};

const keysOf = (isIn: (file: FileKey) => unknown): KeyTable =>
  Object.fromEntries(
    allOptions.flatMap(([, { file, run }]) =>
      file && run && isIn(file) ? [[file.key, run.type]] : [],
    ),
  );

/** Under `common` and in each app. */
export const sharedKeys = {
  ...(keysOf(({ common }) => common) as OptionKeys<{ common: true }>),
  // Those that only a run file has.
  resourcesPath: "string",
  runtimePath: "string",
  env: "map",
  appLogDestination: "string",
  daprdLogDestination: "string",
} as const satisfies KeyTable;

export const appKeys = {
  ...(keysOf(() => true) as OptionKeys<object>),
  ...sharedKeys,
  appDirPath: "string",
  command: "list",
  // For Kubernetes; read so that a mistake in them shows.
  containerImage: "string",
  containerImagePullPolicy: "string",
  createService: "bool",
} as const satisfies KeyTable;

export type SharedKeys = Values<typeof sharedKeys>;
export type AppKeys = Values<typeof appKeys>;

/** Throws with the key's whole name (`apps[1].appPort`) when a value is of the wrong kind. */
export function readKeys<T extends KeyTable>(
  table: T,
  from: unknown,
  where: string,
): Values<T> {
  if (typeof from !== "object" || from === null || Array.isArray(from))
    throw new KeyError(
      where,
      `'${where}' is not a map in the provided run template file`,
    );
  const values: Record<string, unknown> = {};
  for (const [key, kind] of Object.entries(table)) {
    const value = (from as Record<string, unknown>)[key] ?? undefined;
    if (value !== undefined)
      values[key] = readers[kind](value, `${where}.${key}`);
  }
  return values as Values<T>;
}

/** A value that can't be, or a key that is missing. */
export class KeyError extends Error {
  /** The key's whole name, `apps[1].appPort`; of its map if it is missing, which is empty for the whole file. */
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

const wrong = (where: string, value: unknown, what: string) =>
  new KeyError(
    where,
    `'${where}' is ${JSON.stringify(value)} in the provided run template file, not ${what}`,
  );

const isScalar = (value: unknown) =>
  ["string", "number", "boolean"].includes(typeof value);

function text(value: unknown, where: string): string {
  if (!isScalar(value)) throw wrong(where, value, "a text");
  return String(value);
}

/** An item or an entry without a value is an empty text. */
const part = (value: unknown, where: string) => text(value ?? "", where);

const readers: Record<Kind, (value: unknown, where: string) => unknown> = {
  string: text,
  int(value, where) {
    const number = Number(value);
    if (!Number.isInteger(number) || typeof value === "boolean")
      throw wrong(where, value, "a whole number");
    return number;
  },
  bool(value, where) {
    if (typeof value !== "boolean") throw wrong(where, value, "true or false");
    return value;
  },
  list(value, where) {
    if (!Array.isArray(value)) throw wrong(where, value, "a list");
    return value.map((item: unknown, at) => part(item, `${where}[${at}]`));
  },
  map(value, where) {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw wrong(where, value, "a map");
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        part(item, `${where}.${key}`),
      ]),
    );
  },
};
