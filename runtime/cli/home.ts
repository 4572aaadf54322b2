/** `<dapr>`: where an installed Dapr keeps its configuration and components. */
import { homedir } from "node:os";
import { join } from "node:path";

/** `--runtime-path` and `DAPR_RUNTIME_PATH` (read by the flag) name the folder that holds `.dapr`. */
export function daprHome(runtimePath: string): string {
  return join(runtimePath || homedir(), ".dapr");
}
