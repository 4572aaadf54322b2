/** The help texts, made from the same tables as the parser. */
import { globalFlags } from "./command.ts";
import type { Command, Flag, FlagTable } from "./command.ts";

const banner = String.raw`
         __
    ____/ /___ _____  _____
   / __  / __ '/ __ \/ ___/
  / /_/ / /_/ / /_/ / /
  \__,_/\__,_/ .___/_/
            /_/

===============================
Distributed Application Runtime
`;

export function rootHelp(
  commands: readonly Pick<Command, "name" | "about">[],
  later: readonly string[],
): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    banner,
    "Usage:",
    "  dapr [command]",
    "",
    "Available Commands:",
    ...commands.map((c) => `  ${c.name.padEnd(width)}  ${c.about}`),
    "",
    "Not in this version:",
    ...wrap(later.join(", "), 76).map((line) => `  ${line}`),
    "",
    "Flags:",
    ...flagLines({
      ...globalFlags,
      version: {
        type: "bool",
        short: "v",
        about: "Print the CLI's and the runtime's version",
      },
    }),
    "",
    "Try it in a project of this kit:",
    "  dapr run -f .                                     all apps of ./dapr.yaml",
    "  dapr run --app-id myapp --app-port 3000 -- node app.js",
    "",
    'Use "dapr [command] --help" for more information about a command.',
  ].join("\n");
}

export function commandHelp(command: Command): string {
  const parts = [command.about, commandUsage(command)];
  if (command.help.notes) parts.push(command.help.notes.trim());
  return parts.join("\n\n");
}

/** The usage of one command; it also follows a usage error. */
export function commandUsage({ name, flags, help }: Command): string {
  const parts = [`Usage:\n  dapr ${name} ${help.usage ?? "[flags]"}`];
  if (help.examples) parts.push(`Examples:\n${indent(help.examples)}`);
  const own = flagLines(flags);
  if (own.length > 0) parts.push(`Flags:\n${own.join("\n")}`);
  parts.push(`Global Flags:\n${flagLines(globalFlags).join("\n")}`);
  return parts.join("\n\n");
}

const typeNames = {
  string: " string",
  int: " int",
  list: " strings",
  bool: "",
};

function flagLines(table: FlagTable): string[] {
  const rows = Object.entries(table)
    .filter(([, flag]) => !flag.deprecated)
    .map(([name, flag]) => ({
      head: `  ${flag.short ? `-${flag.short}, ` : "    "}--${name}${typeNames[flag.type]}`,
      about: describe(flag),
    }));
  const width = Math.max(0, ...rows.map(({ head }) => head.length)) + 3;
  return rows.map(({ head, about }) => head.padEnd(width) + about);
}

function describe(flag: Flag): string {
  const notes = [];
  if (flag.default !== undefined)
    notes.push(
      `default ${typeof flag.default === "string" ? `"${flag.default}"` : flag.default}`,
    );
  if (flag.env) notes.push(`env ${flag.env}`);
  return notes.length > 0 ? `${flag.about} (${notes.join(", ")})` : flag.about;
}

const indent = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n");

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" "))
    if (`${lines.at(-1)} ${word}`.length > width) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  return lines;
}
