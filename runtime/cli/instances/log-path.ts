/** Where `dapr run -f` writes an app's lines and its sidecar's. */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { RunDetails } from "./instances.ts";

/** Whose lines they are. */
export type LogOf = "app" | "daprd";

/** The log of a running app; undefined if its lines go to the terminal of `dapr run` alone. */
export function logPath(
  { appLogPath, daprdLogPath }: RunDetails,
  appId: string,
  of: LogOf,
): string | undefined {
  const path = of === "app" ? appLogPath : daprdLogPath;
  // Whoever reaches the sidecar can write its metadata, so not any file is taken for a log.
  return isLog(basename(path), appId, of) && existsSync(path)
    ? path
    : undefined;
}

/** Whether a file's name is that of such a log. */
export function isLog(name: string, appId: string, of: LogOf): boolean {
  const prefix = `${appId}_${of}_`;
  return (
    name.startsWith(prefix) && /^\d{14}\.log$/.test(name.slice(prefix.length))
  );
}
