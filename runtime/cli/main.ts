/** Finds the command, reads its flags, runs it; usage errors exit 255, others 1. */
import { CommandError, UsageError, globalFlags } from "./command.ts";
import type { Command, FlagTable, FlagValues } from "./command.ts";
import { commands } from "./commands/index.ts";
import { createIo } from "./io.ts";
import type { Io } from "./io.ts";
import { laterInHelp, laterNames, sayNotYet } from "./commands/not-yet.ts";
import { checkRequired, parseArgs } from "./parse.ts";
import { nearest } from "../shared/nearest-name.ts";
import { commandHelp, commandUsage, rootHelp } from "./usage.ts";
import { printVersion } from "./commands/version.ts";

const rootFlags = {
  ...globalFlags,
  version: { type: "bool", short: "v", about: "Print the versions" },
} as const satisfies FlagTable;

export async function main(args: readonly string[]): Promise<number> {
  const { before, name, after } = splitAtCommand(args);
  const plain = createIo({ json: false });
  try {
    if (name === undefined) return await root(before, plain);
    if (name === "__complete") {
      const { complete } = await import("./completion/complete.ts");
      (await complete(after, commands)).forEach(plain.out);
      return 0;
    }
    if (name === "help") return await help(after[0], plain);
    const command = await find(name);
    if (command) return await execute(command, [...before, ...after], plain);
    if (laterNames.includes(name)) return sayNotYet(name, plain);
    throw unknownCommand(name);
  } catch (error) {
    if (error instanceof UsageError)
      return sayUsageError(error, undefined, plain);
    throw error;
  }
}

async function root(args: string[], io: Io): Promise<number> {
  const { values } = parseArgs(rootFlags, args);
  const flags = values as FlagValues<typeof rootFlags>;
  if (flags.version) return printVersion("", io);
  io.out(rootHelp(commands, laterInHelp));
  return 0;
}

async function execute(
  command: Command,
  args: string[],
  plain: Io,
): Promise<number> {
  const table = { ...command.flags, ...globalFlags };
  let io = plain;
  try {
    const { values, given, words, notices } = parseArgs(table, args);
    const flags = values as FlagValues<typeof globalFlags>;
    notices.forEach(plain.err);
    if (flags.help) {
      plain.out(commandHelp(command));
      return 0;
    }
    checkRequired(table, given);
    io = createIo({ json: flags["log-as-json"] });
    return await command.run({ flags, given, words, io });
  } catch (error) {
    if (error instanceof UsageError)
      return sayUsageError(error, command, plain);
    if (!(error instanceof CommandError)) throw error;
    io.status("failure", error.message);
    return 1;
  }
}

/** The command is the first word. The value of a global flag is not a word. */
function splitAtCommand(args: readonly string[]) {
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--runtime-path") at++;
    else if (!arg.startsWith("-"))
      return {
        before: args.slice(0, at),
        name: arg,
        after: args.slice(at + 1),
      };
  }
  return { before: [...args], name: undefined, after: [] };
}

const find = async (name: string): Promise<Command | undefined> =>
  commands.find((entry) => entry.name === name)?.load();

async function help(name: string | undefined, io: Io): Promise<number> {
  const command = name === undefined ? undefined : await find(name);
  if (name === undefined) io.out(rootHelp(commands, laterInHelp));
  else if (command) io.out(commandHelp(command));
  else if (laterNames.includes(name)) return sayNotYet(name, io);
  else throw unknownCommand(name);
  return 0;
}

function unknownCommand(name: string): UsageError {
  const near = nearest(name, [...commands.map((c) => c.name), ...laterNames]);
  return new UsageError(
    `unknown command "${name}" for "dapr"${near ? `\n\nDid you mean this?\n\t${near}\n` : ""}`,
  );
}

/** As the original: the message on both streams, the usage on stderr. If both are one terminal, the message comes once, and last. */
function sayUsageError(
  { message }: UsageError,
  command: Command | undefined,
  io: Io,
): number {
  const usage = command
    ? commandUsage(command)
    : "Run 'dapr --help' for usage.";
  if (process.stdout.isTTY && process.stderr.isTTY) {
    io.err(`${usage}\n\nError: ${message}`);
    return 255;
  }
  io.err(`Error: ${message}`);
  io.err(usage);
  io.out(message);
  return 255;
}
