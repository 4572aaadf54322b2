/** `dapr components` without a cluster: what is in the folders of component files. */
import { existsSync } from "node:fs";
import { where } from "../../shared/position.ts";
import { collectedWarnings } from "../collected-warnings.ts";
import { CommandError } from "../command.ts";
import { daprHome, defaultComponents } from "../home.ts";
import { statusLine, type Io } from "../io.ts";
import { printList, type ListFlags } from "../print-list.ts";
import { componentsIn } from "./folder-components.ts";

export async function printComponentsHere(
  flags: ListFlags & { "resources-path": string[]; "runtime-path": string },
  io: Io,
): Promise<number> {
  const folders = foldersOf(flags);
  const { log, warnings } = collectedWarnings();
  let all;
  try {
    all = [...componentsIn(folders, log)];
  } catch (error) {
    throw new CommandError((error as Error).message);
  }
  const found = all.filter(({ name }) => !flags.name || name === flags.name);
  // Values stay in their file, as some are secrets.
  const objects = found.map((one) => ({
    name: one.name,
    namespace: one.namespace,
    spec: {
      type: one.type,
      version: one.version,
      metadata: one.metadata.map(({ name }) => ({ name })),
    },
    scopes: one.scopes,
    file: where(one.at),
  }));
  const rows = found.map((one) => ({
    NAMESPACE: one.namespace,
    NAME: one.name,
    TYPE: one.type,
    VERSION: one.version,
    SCOPES: one.scopes.join(","),
    FILE: where(one.at),
  }));
  await printList("components", flags.output, objects, rows, io);
  // Beside JSON for a program there can be no other lines on stdout.
  for (const warning of warnings) io.err(statusLine("warning", warning));
  return 0;
}

function foldersOf(flags: {
  "resources-path": string[];
  "runtime-path": string;
}): string[] {
  if (flags["resources-path"].length > 0) return flags["resources-path"];
  const folder = defaultComponents(daprHome(flags["runtime-path"]));
  if (existsSync(folder)) return [folder];
  throw new CommandError(
    `there is no folder ${folder}: \`dapr init\` makes it, or name another with --resources-path`,
  );
}
