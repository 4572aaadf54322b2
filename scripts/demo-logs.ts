/** Removes old log files: each `dapr run -f` writes new ones into an app's folder. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Keeps the `keep` newest logs of each app and each sidecar, and all other files. A missing folder counts as empty. */
export function removeOldLogs(folder: string, keep: number): void {
  const kept = new Map<string, number>();
  for (const name of namesIn(folder).sort().reverse()) {
    const [, kind] = /^(.+_(?:app|daprd))_\d{14}\.log$/.exec(name) ?? [];
    if (kind === undefined) continue;
    const count = kept.get(kind) ?? 0;
    if (count < keep) kept.set(kind, count + 1);
    else rmSync(join(folder, name), { force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
