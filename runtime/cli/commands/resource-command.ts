/** What `dapr components` and `dapr configurations` share: those of this machine, or with `-k` those in a cluster. */
import {
  command,
  type Command,
  type CommandHelp,
  type FlagTable,
  type FlagValues,
} from "../command.ts";
import type { Io } from "../io.ts";
import {
  clusterListFlags,
  printResources,
  type Resource,
} from "../kubernetes/resource-list.ts";
import { checkOutput, listFlags, type ListFlags } from "../print-list.ts";
import { about } from "./about.ts";
import { sayMisplaced } from "./misplaced-flags.ts";

export interface ResourceCommand<Here extends FlagTable> {
  kind: "components" | "configurations";
  /** The flags that count without `-k`. */
  here: Here;
  help: CommandHelp;
  printHere(
    flags: ListFlags & FlagValues<Here> & { "runtime-path": string },
    io: Io,
  ): Promise<number>;
  /** A line of the table for one in a cluster. */
  row(resource: Resource, nowMs: number): Record<string, string>;
}

const shared = {
  kubernetes: { type: "bool", short: "k", about: "List those in Kubernetes" },
  ...listFlags,
  ...clusterListFlags,
} as const satisfies FlagTable;

export function resourceCommand<Here extends FlagTable>({
  kind,
  here,
  help,
  printHere,
  row,
}: ResourceCommand<Here>): Command {
  // The compiler can't join a table that it does not know to one that it knows.
  type Flags = FlagValues<typeof shared> &
    FlagValues<Here> & { "runtime-path": string };
  const table: FlagTable = { ...shared, ...here };
  return command(kind, about[kind], table, help, (input) => {
    const { given, io } = input;
    const flags = input.flags as unknown as Flags;
    checkOutput(flags.output);
    if (!flags.kubernetes) {
      sayMisplaced(given, clusterListFlags, "without -k", io);
      return printHere(flags, io);
    }
    sayMisplaced(given, here, "with -k", io);
    const nowMs = Date.now();
    return printResources(kind, flags, (one) => row(one, nowMs), io);
  });
}
