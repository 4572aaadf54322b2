/**
 * Reads a command line the way the original does: flags and words interleave up
 * to `--`; `--k v`, `--k=v`, `-k v`, `-kv`, `-k=v`, and `-ab` for two switches.
 */
import { unset } from "../options/flag.ts";
import { nearest } from "../shared/nearest-name.ts";
import { UsageError } from "./command.ts";
import type { Flag, FlagTable } from "./command.ts";

export interface Parsed {
  values: Record<string, string | number | boolean | string[]>;
  given: Set<string>;
  words: string[];
  /** What to say on stderr about deprecated flags. */
  notices: string[];
}

export function parseArgs(
  table: FlagTable,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Parsed {
  const parsed: Parsed = {
    values: defaults(table, env),
    given: new Set(),
    words: [],
    notices: [],
  };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      parsed.words.push(...rest);
      break;
    }
    if (arg.startsWith("--")) readLong(table, arg, rest, parsed);
    else if (arg.startsWith("-") && arg !== "-")
      readShort(table, arg, rest, parsed);
    else parsed.words.push(arg);
  }
  return parsed;
}

/** Throws when a required flag was not given; separate, so that `--help` can come first. */
export function checkRequired(table: FlagTable, given: ReadonlySet<string>) {
  const missing = Object.keys(table).filter(
    (name) => table[name]!.required && !given.has(name),
  );
  if (missing.length > 0)
    throw new UsageError(
      `required flag(s) ${missing.map((name) => `"${name}"`).join(", ")} not set`,
    );
}

function defaults(table: FlagTable, env: NodeJS.ProcessEnv): Parsed["values"] {
  const values: Parsed["values"] = {};
  for (const [name, flag] of Object.entries(table)) {
    if (flag.aliasOf) continue;
    const fromEnv = flag.env ? env[flag.env] : undefined;
    if (fromEnv)
      values[name] = convert(`--${name} (from ${flag.env})`, flag, fromEnv);
    else values[name] = unset(flag);
  }
  return values;
}

function readLong(
  table: FlagTable,
  arg: string,
  rest: string[],
  parsed: Parsed,
) {
  const [name, inline] = split(arg.slice(2));
  const flag = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!flag)
    throw new UsageError(`unknown flag: --${name}${didYouMean(table, name)}`);
  set(table, name, flag, valueFor(flag, arg, inline, rest), parsed);
}

function readShort(
  table: FlagTable,
  arg: string,
  rest: string[],
  parsed: Parsed,
) {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at]!;
    const found = Object.entries(table).find(([, f]) => f.short === letter);
    if (!found)
      throw new UsageError(
        `unknown shorthand flag: '${letter}' in -${arg.slice(at)}`,
      );
    const [name, flag] = found;
    const tail = arg.slice(at + 1);
    if (flag.type === "bool" && !tail.startsWith("=")) {
      set(table, name, flag, "true", parsed);
      continue;
    }
    if (tail === "" && rest.length === 0)
      throw new UsageError(
        `flag needs an argument: '${letter}' in -${arg.slice(at)}`,
      );
    const value =
      tail === "" ? rest.shift()! : tail.startsWith("=") ? tail.slice(1) : tail;
    set(table, name, flag, value, parsed);
    return;
  }
}

function split(text: string): [string, string | undefined] {
  const equals = text.indexOf("=");
  return equals < 0
    ? [text, undefined]
    : [text.slice(0, equals), text.slice(equals + 1)];
}

function valueFor(
  flag: Flag,
  arg: string,
  inline: string | undefined,
  rest: string[],
): string {
  if (inline !== undefined) return inline;
  if (flag.type === "bool") return "true";
  const next = rest.shift();
  if (next === undefined)
    throw new UsageError(`flag needs an argument: ${arg}`);
  return next;
}

function set(
  table: FlagTable,
  name: string,
  flag: Flag,
  text: string,
  parsed: Parsed,
) {
  const shown = flag.short ? `-${flag.short}, --${name}` : `--${name}`;
  const value = convert(shown, flag, text);
  if (flag.deprecated)
    parsed.notices.push(
      `Flag --${name} has been deprecated, ${flag.deprecated}`,
    );
  const target = flag.aliasOf ?? name;
  if (table[target] === undefined) throw new Error(`no flag --${target}`);
  if (Array.isArray(value) && parsed.given.has(target))
    (parsed.values[target] as string[]).push(...value);
  else parsed.values[target] = value;
  parsed.given.add(target);
  parsed.given.add(name);
}

function convert(shown: string, flag: Flag, text: string) {
  const invalid = (why: string) =>
    new UsageError(`invalid argument "${text}" for "${shown}" flag: ${why}`);
  if (flag.type === "list") return text === "" ? [] : text.split(",");
  if (flag.type === "string") return text;
  if (flag.type === "int") {
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value))
      throw invalid(`parsing "${text}": not a whole number`);
    return value;
  }
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw invalid(`parsing "${text}": not true or false`);
}

function didYouMean(table: FlagTable, wrong: string): string {
  const near = nearest(
    wrong,
    Object.keys(table).filter((name) => !table[name]!.deprecated),
  );
  return near ? `\n\nDid you mean --${near}?` : "";
}
