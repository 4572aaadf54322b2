/** Two components of one name are reported before anything starts; all else in the files is reported by the sidecar. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createLogger } from "../../shared/log.ts";
import { maxYamlBytes, readRegular } from "../../shared/files/read-regular.ts";
import { daprVersion } from "../../shared/version.ts";
import { resourceFolders } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { list } from "./check-spec.ts";
import { CommandError } from "../command.ts";
import type { Io } from "../io.ts";

export async function checkComponents(spec: AppSpec): Promise<void> {
  const folders = resourceFolders(spec);
  // Loading a YAML parser would delay each start, and a single component can't be a duplicate.
  if (!(await hasSeveral(folders))) return;
  const { loadComponents, DuplicateComponentError } =
    await import("../../resources/kinds/component.ts");
  const log = createLogger({
    level: "fatal",
    json: false,
    appId: spec["app-id"],
    version: daprVersion,
    write: () => {}, // the sidecar reads the same files and reports the rest
  });
  try {
    loadComponents(folders, { appId: spec["app-id"], env: process.env, log });
  } catch (error) {
    if (error instanceof DuplicateComponentError)
      throw new CommandError(
        `error validating components in resources path ${list(folders)} : ${error.message}`,
      );
    // The sidecar meets all else too, and explains it in its log.
  }
}

/** A first run has no default folder yet, and an app may need no components. */
export function sayIfNoComponents(spec: AppSpec, io: Io): void {
  if (resourceFolders(spec).length > 0) return;
  io.status(
    "info",
    `App "${spec["app-id"]}" has no components: there is no folder ${spec.defaultComponents}, which \`dapr init\` makes, and --resources-path (resourcesPaths) names no other.`,
  );
}

async function hasSeveral(folders: readonly string[]): Promise<boolean> {
  let count = 0;
  for (const folder of folders)
    for (const file of await filesOf(folder)) {
      count += textOf(join(folder, file)).match(/\bComponent\b/g)?.length ?? 0;
      if (count > 1) return true;
    }
  return false;
}

/** A file that cannot be read is left out here; the sidecar reports it. */
function textOf(path: string): string {
  try {
    return readRegular(path, maxYamlBytes);
  } catch {
    return "";
  }
}

/** The sidecar reports a folder that cannot be read. */
const filesOf = async (folder: string) =>
  (await readdir(folder).catch(() => [])).filter((name) =>
    /\.ya?ml$/i.test(name),
  );
