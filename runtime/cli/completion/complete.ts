/** What may stand where the cursor is, from the tables of commands and flags. */
import type { Flag, FlagTable } from "../../options/flag.ts";
import { globalFlags, type Command } from "../command.ts";
import type { CommandEntry } from "../commands/index.ts";
import { findInstances } from "../instances/instances.ts";
import { printable } from "../printable.ts";

interface Candidate {
  word: string;
  about?: string;
}

/** `[SHELL, WORD…]`, the last word being the one under the cursor, perhaps empty. Resolves with the lines to print (scripts.ts). */
export async function complete(
  [shell = "", ...given]: readonly string[],
  commands: readonly CommandEntry[],
): Promise<string[]> {
  const words = shell === "bash" ? joined(given) : given;
  const last = words.at(-1) ?? "";
  const current = shell === "powershell" ? last.replace(/^:/, "") : last;
  const before = words.slice(0, -1);
  const at = before.findIndex(
    (word, n) => !word.startsWith("-") && before[n - 1] !== "--runtime-path",
  );
  const found =
    at < 0
      ? await atRoot(before, current, commands)
      : await inCommand(before, at, current, commands);
  // Bash counts `=` as a word of its own, and completes what is behind it.
  const equals = current.indexOf("=");
  const cut =
    shell === "bash" && current.startsWith("--") && equals > 0 ? equals + 1 : 0;
  return found
    .filter(({ word }) => word.startsWith(":") || word.startsWith(current))
    .map(({ word, about }) =>
      word.startsWith(":")
        ? word
        : printable(
            word.slice(cut) + (about ? `\t${about.replace(/\s+/g, " ")}` : ""),
          ),
    );
}

/** `--output`, `=`, `json` are one word. */
function joined(words: readonly string[]): string[] {
  const whole: string[] = [];
  for (const [n, word] of words.entries()) {
    const isPart = word === "=" || words[n - 1] === "=";
    if (isPart && whole.at(-1)?.startsWith("--"))
      whole.push(`${whole.pop()}${word}`);
    else whole.push(word);
  }
  return whole;
}

async function atRoot(
  before: readonly string[],
  current: string,
  commands: readonly CommandEntry[],
): Promise<Candidate[]> {
  const flag = flagBefore(globalFlags, before);
  if (flag) return valuesOf(flag);
  if (current.startsWith("-")) return flagsOf(globalFlags, current);
  return namesOf(commands);
}

const namesOf = (commands: readonly CommandEntry[]): Candidate[] => [
  ...commands.map(({ name, about }) => ({ word: name, about })),
  { word: "help", about: "Help about any command" },
];

async function inCommand(
  before: readonly string[],
  at: number,
  current: string,
  commands: readonly CommandEntry[],
): Promise<Candidate[]> {
  const name = before[at]!;
  if (name === "help") return before.length === at + 1 ? namesOf(commands) : [];
  const command = await commands.find((one) => one.name === name)?.load();
  if (!command) return [];
  const rest = before.slice(at + 1);
  // What follows is the app's own command line.
  if (rest.includes("--")) return valuesOf({ takes: "file" });
  const table: FlagTable = { ...command.flags, ...globalFlags };
  const flag = flagBefore(table, rest);
  if (flag) return valuesOf(flag);
  if (current.startsWith("-")) return flagsOf(table, current);
  return argumentsOf(command, rest);
}

function argumentsOf({ help }: Command, rest: readonly string[]) {
  const isChosen = rest.some((word) => help.words?.includes(word));
  return valuesOf({
    choices: isChosen ? [] : help.words,
    takes: help.takes,
  });
}

/** The flag whose value comes next. */
function flagBefore(
  table: FlagTable,
  before: readonly string[],
): Flag | undefined {
  const word = before.at(-1) ?? "";
  const flag = /^-\w$/.test(word)
    ? Object.values(table).find(({ short }) => short === word[1])
    : word.startsWith("--") && Object.hasOwn(table, word.slice(2))
      ? table[word.slice(2)]
      : undefined;
  return flag?.type === "bool" ? undefined : flag;
}

/** Names of flags; behind a `=` the values of one. */
async function flagsOf(
  table: FlagTable,
  current: string,
): Promise<Candidate[]> {
  const [, name = ""] = /^--([\w-]+)=/.exec(current) ?? [];
  const given = Object.hasOwn(table, name) ? table[name] : undefined;
  if (given)
    return (await valuesOf(given)).map(({ word }) => ({
      word: word.startsWith(":") ? word : `--${name}=${word}`,
    }));
  return Object.entries(table)
    .filter(([, flag]) => !flag.deprecated)
    .map(([flag, { about }]) => ({ word: `--${flag}`, about }));
}

async function valuesOf({
  choices = [],
  takes,
}: {
  choices?: readonly string[] | undefined;
  takes?: Flag["takes"] | undefined;
}): Promise<Candidate[]> {
  const words = choices.map((word) => ({ word }));
  if (takes === "file" || takes === "folder")
    return [...words, { word: `:${takes}` }];
  if (takes !== "app") return words;
  const ids = new Set((await findInstances()).map(({ appId }) => appId));
  return [...words, ...[...ids].map((word) => ({ word }))];
}
