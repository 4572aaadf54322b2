/** What `dapr components -k` and `dapr configurations -k` share: where to look, how to print. */
import { type FlagTable, type FlagValues } from "../command.ts";
import type { Io } from "../io.ts";
import { printList, type ListFlags } from "../print-list.ts";
import { checkNamespace } from "./check-flags.ts";
import { listObjects, type KubeObject, type Where } from "./kubectl.ts";
import { warnOfExpiry } from "./root-certificate.ts";

export const clusterListFlags = {
  namespace: { type: "string", about: "With -k: of this namespace" },
  "all-namespaces": {
    type: "bool",
    short: "A",
    about: "With -k: of all namespaces",
  },
  "no-namespace-warning": {
    type: "bool",
    about: "With -k: without the note on namespaces",
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
  flags: FlagValues<typeof clusterListFlags> & ListFlags,
  row: (resource: Resource) => Record<string, string>,
  io: Io,
): Promise<number> {
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
  const plain = found.map(({ metadata, spec }) => ({
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    spec: spec ?? {},
  }));
  await printList(kind, flags.output, plain, found.map(row), io);
  if (flags.output === "list") await warnOfExpiry(io);
  return 0;
}

/** On stdout like every status line, before JSON too. */
const namespaceNote =
  'In future releases, this command will only query the "default" namespace by default. Name one with --namespace, or ask for all with --all-namespaces (-A).';

/** All namespaces unless one is named, as the original still does. */
function whereOf(flags: FlagValues<typeof clusterListFlags>): Where {
  if (!flags.namespace || flags["all-namespaces"]) return "all";
  checkNamespace(flags.namespace);
  return { namespace: flags.namespace };
}
