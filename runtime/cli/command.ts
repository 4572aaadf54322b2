/**
 * A command is a value: its flags are one table, read by the parser, the usage
 * text and the types. `run` returns the exit code.
 */
import type { Flag, FlagTable, FlagValues } from "../options/flag.ts";
import type { Io } from "./io.ts";

export type { Flag, FlagTable, FlagValues };

/** Flags every command takes, before or after its name. */
export const globalFlags = {
  help: { type: "bool", short: "h", about: "Print this help" },
  "log-as-json": { type: "bool", about: "Log output in JSON format" },
  "runtime-path": {
    type: "string",
    takes: "folder",
    about: "The path that holds the .dapr directory",
    env: "DAPR_RUNTIME_PATH",
  },
} as const satisfies FlagTable;

export interface CommandInput<T extends FlagTable = FlagTable> {
  flags: FlagValues<T> & FlagValues<typeof globalFlags>;
  /** Names of the flags that were given on the command line. */
  given: ReadonlySet<string>;
  /** The words that are not flags: what to run, or application IDs. */
  words: string[];
  io: Io;
}

export interface Command {
  name: string;
  about: string;
  flags: FlagTable;
  help: CommandHelp;
  run(invocation: CommandInput): Promise<number>;
}

export interface CommandHelp {
  /** What follows `dapr NAME` in the usage line. */
  usage?: string;
  examples?: string;
  notes?: string;
  /** What may follow the command, as completion offers it: these words … */
  words?: readonly string[];
  /** … or these things. */
  takes?: Flag["takes"];
}

/** Defines a command. Its generic types end here: all commands have one type. */
export function command<T extends FlagTable>(
  name: string,
  about: string,
  flags: T,
  help: CommandHelp,
  run: (invocation: CommandInput<T>) => Promise<number>,
): Command {
  return { name, about, flags, help, run: run as Command["run"] };
}

/** The words on the command line make no sense: printed with the usage, exit 255. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The command cannot go on: printed with ❌, exit 1. */
export class CommandError extends Error {
  override name = "CommandError";
}
