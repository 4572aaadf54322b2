/** The YAML of resource folders and Configurations, read by the sidecar's own readers. */
import { existsSync } from "node:fs";
import type { Logger } from "../../shared/log.ts";
import { where } from "../../shared/position.ts";
import { documentsIn } from "../../resources/folders/files.ts";
import { loadConfiguration } from "../../resources/kinds/configuration.ts";
import type { LoadedComponent } from "../../resources/kinds/component.ts";
import { tellKind } from "../../resources/other-kinds.ts";
import { YamlError } from "../../resources/values/yaml.ts";
import { collectedWarnings } from "../collected-warnings.ts";
import { componentsIn } from "../standalone/folder-components.ts";
import {
  failure,
  note,
  ok,
  warning,
  type Examined,
  type Finding,
} from "./finding.ts";

export async function checkResources({
  folders,
  configurations,
  runFile,
}: Examined): Promise<Finding[]> {
  const files = configurations.filter((file) => existsSync(file));
  if (folders.length + configurations.length + runFile.length === 0)
    return [note("No folder of resource files to look at")];
  const found = [
    ...runFile,
    ...folders.flatMap((folder) => inFolder(folder, files)),
    ...configurations.flatMap(inConfiguration),
  ];
  if (found.some(({ status }) => status !== "ok")) return found;
  return [ok(`Nothing is wrong in ${[...folders, ...files].join(", ")}`)];
}

function inFolder(folder: string, configurations: readonly string[]) {
  const { log, warnings } = collectedWarnings();
  const malformed: string[] = [];
  const silent: Logger = collectedWarnings().log;
  try {
    const components = [
      ...componentsIn([folder], log, (problem, at) =>
        malformed.push(`${problem} (${where(at)})`),
      ),
    ];
    // Files that can't be read have been warned about already.
    for (const document of documentsIn([folder], silent))
      if (!(document instanceof YamlError))
        tellKind(document, configurations, log);
    return [
      ...malformed.map((problem) => failure(problem)),
      ...twins(components),
      ...warnings
        .filter((line) => !malformed.some((problem) => line.endsWith(problem)))
        .map((line) => warning(line)),
    ];
  } catch (error) {
    return [failure((error as Error).message)];
  }
}

/** Two components of one name that one app would get. */
function twins(components: readonly LoadedComponent[]): Finding[] {
  return components.flatMap((one, n) => {
    const twin = components
      .slice(0, n)
      .find((other) => other.name === one.name && meet(other, one));
    return twin
      ? [
          failure(
            `two components are named ${one.name} (${where(twin.at)}, ${where(one.at)})`,
            "Rename one, or give each its own scopes.",
          ),
        ]
      : [];
  });
}

const meet = (a: LoadedComponent, b: LoadedComponent): boolean =>
  a.scopes.length === 0 ||
  b.scopes.length === 0 ||
  a.scopes.some((app) => b.scopes.includes(app));

function inConfiguration(file: string): Finding[] {
  const { log, warnings } = collectedWarnings();
  try {
    loadConfiguration([file], { env: process.env, log });
  } catch (error) {
    return [failure((error as Error).message)];
  }
  return warnings.map((line) => warning(line));
}
