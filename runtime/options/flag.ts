/** A flag of the command line `dapr`. */

export interface Flag {
  type: "string" | "int" | "bool" | "list";
  about: string;
  /** One letter, e.g. `a` for `-a`. */
  short?: string;
  default?: string | number | boolean;
  /** Environment variable that stands in when the flag is absent. */
  env?: string;
  required?: boolean;
  /** The words that it can be, as completion offers them. */
  choices?: readonly string[];
  /** What else completion offers. */
  takes?: "file" | "folder" | "app";
  /** The flag works but is hidden from the usage, and this is said on stderr. */
  deprecated?: string;
  /** An old spelling of this other flag: the value goes there. */
  aliasOf?: string;
}

export type FlagTable = Record<string, Flag>;

export type ValueOf<Type extends string> = Type extends "int"
  ? number
  : Type extends "bool"
    ? boolean
    : Type extends "list"
      ? string[]
      : string;

/** An old spelling has no value of its own. */
export type FlagValues<T extends FlagTable> = {
  [K in keyof T as T[K] extends { aliasOf: string } ? never : K]: ValueOf<
    T[K]["type"]
  >;
};

const empty = { string: "", int: 0, bool: false } as const;

/** The value of a flag that nobody gave. */
export const unset = (flag: Flag): string | number | boolean | string[] =>
  flag.type === "list" ? [] : (flag.default ?? empty[flag.type]);
