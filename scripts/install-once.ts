/** Installs, by `npm ci` in folders of their own, the packages that only tests and images need. The kit's own install stays small. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { npm } from "./npm.ts";
import { fail } from "./options.ts";

/** Whether `npm ci` has run in the folder since the lock file changed. */
export function isInstalled(folder: string): boolean {
  const lock = join(folder, "package-lock.json");
  const installed = join(folder, "node_modules", ".package-lock.json");
  return (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(lock).mtimeMs
  );
}

/** Runs `npm ci` in the folder unless it has run. If it fails, the process ends. */
export async function installOnce(
  folder: string,
  what: string,
  ...flags: string[]
): Promise<void> {
  if (isInstalled(folder)) return;
  console.error(`Installing ${what} (once) …`);
  try {
    await npm(["ci", "--no-audit", "--no-fund", ...flags], { cwd: folder });
  } catch {
    fail(`Could not install ${what}; see npm's message above.`);
  }
}
