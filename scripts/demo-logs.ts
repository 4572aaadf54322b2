/** Each run of `dapr run -f` writes log files of its own into an app's folder; this removes old ones. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Keeps the newest files of each app and each sidecar; names of other kinds are left alone. A folder that is not there is empty. */
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
