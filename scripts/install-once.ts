/** Installs, by `npm ci` in folders of their own, the packages that only tests and images need. The kit's own install stays small. */
import { spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
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
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", ...flags];
  const child = spawn(
    npm ? process.execPath : "npm",
    npm ? [npm, ...args] : args,
    {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
      shell: !npm && process.platform === "win32",
    },
  );
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", resolve);
  });
  if (code !== 0) fail(`Could not install ${what}; see npm's message above.`);
}
