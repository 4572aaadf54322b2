/** Which folders, files and ports `dapr doctor` looks at. */
import { existsSync } from "node:fs";
import { daprHome, defaultComponents, defaultConfig } from "../home.ts";
import { ports } from "../run/port-names.ts";
import { resourceFolders } from "../run/app-spec.ts";
import { findRunFile, readRunFile, type RunFile } from "../run/run-file.ts";
import { failure, warning, type Examined, type Finding } from "./finding.ts";

export interface ExamineFlags {
  "resources-path": string[];
  config: string[];
  "run-file": string;
  "runtime-path": string;
}

/** What is named; else what `dapr run` would take: `<dapr>/components` and `<dapr>/config.yaml`. */
export async function examined(flags: ExamineFlags): Promise<Examined> {
  const home = daprHome(flags["runtime-path"]);
  const runFile: Finding[] = [];
  const file = await readIfGiven(flags, runFile);
  const folders = [
    ...flags["resources-path"],
    ...(file?.apps.flatMap(({ spec }) => resourceFolders(spec)) ?? []),
  ];
  const configurations = [
    ...flags.config,
    ...(file?.apps.flatMap(({ spec }) => spec.config || []) ?? []),
  ];
  if (folders.length + configurations.length + runFile.length === 0) {
    if (existsSync(defaultComponents(home)))
      folders.push(defaultComponents(home));
    const config = defaultConfig(home);
    if (config) configurations.push(config);
  }
  return {
    home,
    folders: [...new Set(folders)],
    configurations: [...new Set(configurations)],
    wanted: (file?.apps ?? []).flatMap(({ spec }) =>
      ports
        .filter(({ flag }) => spec[flag] > 0)
        .map(({ flag, key }) => ({
          port: spec[flag],
          what: `${key} of app "${spec["app-id"]}"`,
          appId: spec["app-id"],
        })),
    ),
    runFile,
    file,
  };
}

async function readIfGiven(
  flags: ExamineFlags,
  findings: Finding[],
): Promise<RunFile | undefined> {
  if (!flags["run-file"]) return undefined;
  try {
    const path = await findRunFile(flags["run-file"]);
    return await readRunFile(path, flags["runtime-path"], (line) =>
      findings.push(warning(line)),
    );
  } catch (error) {
    findings.push(failure((error as Error).message));
    return undefined;
  }
}
