/** `<dapr>`: where an installed Dapr keeps its configuration and components. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** `--runtime-path` and `DAPR_RUNTIME_PATH` (read by the flag) name the folder that holds `.dapr`. */
export function daprHome(runtimePath: string): string {
  return join(runtimePath || homedir(), ".dapr");
}

/** The folder of component files used when none is named. */
export const defaultComponents = (home: string): string =>
  join(home, "components");

/**
 * The configuration used when none is named; empty when the file does not exist
 * yet. (The original passes the path all the same, and its sidecar refuses to start.)
 */
export function defaultConfig(home: string): string {
  const path = join(home, "config.yaml");
  return existsSync(path) ? path : "";
}
