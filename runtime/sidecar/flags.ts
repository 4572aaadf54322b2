/** daprd's command line (docs/protocol/daprd.md): the table of options feeds the parser, `--help` and the log line that names flags without effect. */
import { allOptions, type Options } from "../options/index.ts";
import type { SidecarFlag } from "../options/sidecar-flag.ts";
import { nearest } from "../shared/nearest-name.ts";

export class FlagError extends Error {
  override name = "FlagError";
}

export type Flags = {
  [
    K in keyof Options as Options[K] extends { daprd: object } ? K : never
  ]: Options[K] extends { daprd: SidecarFlag<infer T> } ? T : never;
};

const table = new Map(
  allOptions.flatMap(([name, { daprd }]) =>
    daprd ? [[name as keyof Flags, daprd as SidecarFlag<unknown>]] : [],
  ),
);

export interface ParsedFlags {
  flags: Flags;
  /** Names given on the command line. */
  given: Set<keyof Flags>;
}

/** Reads argv; `-x` and `--x` are the same, `--x=v` and `--x v` too. Throws {@link FlagError}. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const values: Record<string, unknown> = {};
  for (const [name, spec] of table) values[name] = spec.default;
  const given = new Set<keyof Flags>();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const { name, spec, inline } = readWord(word);
    const value = inline ?? (spec.boolean ? "true" : rest.shift());
    if (value === undefined)
      throw new FlagError(`flag needs an argument: --${name}`);
    const parsed = parse(name, spec, value);
    values[name] =
      spec.repeatable && given.has(name)
        ? [...(values[name] as string[]), ...(parsed as string[])]
        : parsed;
    given.add(name);
  }
  return { flags: values as Flags, given };
}

function readWord(word: string) {
  const match = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(word);
  if (!match)
    throw new FlagError(
      `unexpected argument "${word}"; daprd takes flags only`,
    );
  // The original's one shorthand.
  const name = (word === "-h" ? "help" : match[1]) as keyof Flags;
  const spec = table.get(name);
  if (spec) return { name, spec, inline: match[2] };
  const near = nearest(name, [...table.keys()]);
  throw new FlagError(
    `unknown flag: --${name}${near ? `; did you mean --${near}?` : ""}`,
  );
}

function parse(name: string, spec: SidecarFlag<unknown>, value: string) {
  try {
    return spec.parse(value);
  } catch (error) {
    throw new FlagError(
      `invalid argument "${value}" for "--${name}": ${(error as Error).message}`,
    );
  }
}

/** Given flags whose capability is still to come. */
export const notActedUpon = ({ given }: ParsedFlags): string[] =>
  [...given]
    .filter((name) => table.get(name)?.later)
    .map((name) => `--${name}`);

/** Given flags that have a newer name, with it. */
export const deprecatedFlags = ({ given }: ParsedFlags): [string, string][] =>
  [...given].flatMap((name) => {
    const newer = table.get(name)?.deprecated;
    return newer ? [[name, newer] as [string, string]] : [];
  });

/** By name, as the original lists them. */
export function help(): string {
  const lines = [...table]
    .filter(([, spec]) => !spec.deprecated)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, spec]) => `  --${name.padEnd(36)}${describe(spec)}`);
  return `Usage: daprd --app-id ID [flags]\n\nThe sidecar beside one app.\n\nFlags:\n${lines.join("\n")}\n`;
}

function describe({ about, default: value, later }: SidecarFlag<unknown>) {
  const isEmpty =
    value === undefined ||
    value === "" ||
    value === false ||
    (Array.isArray(value) && value.length === 0);
  return `${about}${isEmpty ? "" : ` (default ${String(value)})`}${later ? " [not acted upon yet]" : ""}`;
}
