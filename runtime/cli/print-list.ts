/** Lists of resources as `dapr components` and `dapr configurations` print them. */
import { CommandError, type FlagTable, type FlagValues } from "./command.ts";
import type { Io } from "./io.ts";
import { printable } from "./printable.ts";
import { renderTable } from "./table.ts";

export const listFlags = {
  name: { type: "string", short: "n", about: "Only the one of this name" },
  output: {
    type: "string",
    short: "o",
    default: "list",
    about: "The output format: list, json or yaml",
    choices: ["list", "json", "yaml"],
  },
} as const satisfies FlagTable;

export type ListFlags = FlagValues<typeof listFlags>;

/** To be asked before anything is printed. */
export function checkOutput(output: string): void {
  if (!(listFlags.output.choices as readonly string[]).includes(output))
    throw new CommandError("An invalid output format was specified.");
}

/** `objects` are for programs, `rows` for the table. */
export async function printList(
  kind: string,
  output: string,
  objects: readonly object[],
  rows: readonly Record<string, string>[],
  io: Io,
): Promise<void> {
  if (output === "json") io.out(printable(JSON.stringify(objects, null, 2)));
  else if (output === "yaml")
    io.out(printable((await import("yaml")).stringify(objects).trimEnd()));
  else if (rows.length === 0) io.out(`No ${kind} found.`);
  else io.out(renderTable(rows));
}
