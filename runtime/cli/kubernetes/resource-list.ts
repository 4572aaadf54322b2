/** What `dapr components -k` and `dapr configurations -k` share: where to look, how to print. */
import { CommandError, type FlagTable, type FlagValues } from "../command.ts";
import type { Io } from "../io.ts";
import { renderTable } from "../table.ts";
import { checkNamespace } from "./check-flags.ts";
import { listObjects, type KubeObject, type Where } from "./kubectl.ts";
import { warnOfExpiry } from "./root-certificate.ts";

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
  "no-namespace-warning": {
    type: "bool",
    about: "Without the note on namespaces",
  },
  output: {
    type: "string",
    short: "o",
    default: "list",
    about: "The output format: list, json or yaml",
  },
} as const satisfies FlagTable;

export interface Resource extends KubeObject {
  scopes?: string[];
  /** An object that was admitted by another version of the CRD may have none. */
  spec?: Record<string, unknown>;
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
  const where = whereOf(flags);
  if (
    !flags.namespace &&
    !flags["all-namespaces"] &&
    !flags["no-namespace-warning"]
  )
    io.status("warning", namespaceNote);
  const found = (await listObjects<Resource>(`${kind}.dapr.io`, where)).filter(
    ({ metadata }) =>
      metadata.name !== "daprsystem" &&
      (flags.name === "" || metadata.name === flags.name),
  );
  const plain = () =>
    found.map(({ metadata, spec }) => ({
      name: metadata.name,
      namespace: metadata.namespace ?? "",
      spec: spec ?? {},
    }));
  if (flags.output === "json") io.out(JSON.stringify(plain(), null, 2));
  else if (flags.output === "yaml")
    io.out((await import("yaml")).stringify(plain()).trimEnd());
  else if (found.length === 0) io.out(`No ${kind} found.`);
  else io.out(renderTable(found.map(row)));
  if (flags.output === "list") await warnOfExpiry(io);
  return 0;
}

/** On stdout like every status line, before JSON too. */
const namespaceNote =
  'In future releases, this command will only query the "default" namespace by default. Name one with --namespace, or ask for all with --all-namespaces (-A).';

/** All namespaces unless one is named, as the original still does. */
function whereOf(flags: FlagValues<typeof resourceFlags>): Where {
  if (!flags.namespace || flags["all-namespaces"]) return "all";
  checkNamespace(flags.namespace);
  return { namespace: flags.namespace };
}
