/** What `dapr components -k` and `dapr configurations -k` share: where to look, how to print. */
import { CommandError, type FlagTable, type FlagValues } from "../command.ts";
import type { Io } from "../io.ts";
import { renderTable } from "../table.ts";
import { listObjects, type KubeObject, type Where } from "./kubectl.ts";

export const resourceFlags = {
  kubernetes: {
    type: "bool",
    short: "k",
    required: true,
    about: "List those in Kubernetes",
  },
  name: { type: "string", short: "n", about: "Only the one of this name" },
  namespace: { type: "string", about: "Of this namespace" },
  "all-namespaces": { type: "bool", short: "A", about: "Of all namespaces" },
  output: {
    type: "string",
    short: "o",
    default: "list",
    about: "The output format: list, json or yaml",
  },
} as const satisfies FlagTable;

export interface Resource extends KubeObject {
  scopes?: string[];
  spec: Record<string, unknown>;
}

/** Lists resources of one kind and prints them; `row` makes a table line. */
export async function printResources(
  kind: string,
  flags: FlagValues<typeof resourceFlags>,
  row: (resource: Resource) => Record<string, string>,
  io: Io,
): Promise<number> {
  if (!["list", "json", "yaml"].includes(flags.output))
    throw new CommandError("An invalid output format was specified.");
  const found = (
    await listObjects<Resource>(`${kind}.dapr.io`, whereOf(flags))
  ).filter(
    ({ metadata }) =>
      metadata.name !== "daprsystem" &&
      (flags.name === "" || metadata.name === flags.name),
  );
  const plain = () =>
    found.map(({ metadata, spec }) => ({
      name: metadata.name,
      namespace: metadata.namespace ?? "",
      spec,
    }));
  if (flags.output === "json") io.out(JSON.stringify(plain(), null, 2));
  else if (flags.output === "yaml")
    io.out((await import("yaml")).stringify(plain()).trimEnd());
  else if (found.length === 0) io.out(`No ${kind} found.`);
  else io.out(renderTable(found.map(row)));
  return 0;
}

/** All namespaces unless one is named, as the original still does. */
const whereOf = (flags: FlagValues<typeof resourceFlags>): Where =>
  flags.namespace && !flags["all-namespaces"]
    ? { namespace: flags.namespace }
    : "all";
