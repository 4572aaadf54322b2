/** `<dapr>/bin/daprd`: where scripts and editors look for the sidecar. It leads to this CLI's own. */
import { lstat, readFile, readlink, rm, symlink } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "../../shared/files/make-folder.ts";
import { replaceFile } from "../../shared/files/replace-file.ts";

export const binFolder = (home: string): string => join(home, "bin");

const onWindows = process.platform === "win32";
const fileName = onWindows ? "daprd.cmd" : "daprd";
/** How what it leads to ends, in whichever folder the kit is. */
const ownScript = join("runtime", "bin", "daprd.js");

export type Installed = "installed" | "was there" | "another's" | "no script";

/** Leaves another program of that name alone. */
export async function installDaprd(home: string): Promise<Installed> {
  const script = findScript();
  if (!script) return "no script";
  const path = join(binFolder(home), fileName);
  const target = await targetOf(path);
  if (target === script) return "was there";
  if (target === undefined) return "another's";
  makeFolder(binFolder(home));
  if (onWindows) await replaceFile(path, `@node "${script}" %*\r\n`);
  else {
    // A link to a kit that has moved is replaced.
    await rm(path, { force: true });
    await symlink(script, path);
  }
  return "installed";
}

/** True if it was this CLI's, and is gone now. */
export async function removeDaprd(home: string): Promise<boolean> {
  const path = join(binFolder(home), fileName);
  if (!(await targetOf(path))) return false;
  await rm(path, { force: true });
  return true;
}

/** The script of a kit that it leads to; "" if there is nothing, undefined if it is another program. */
async function targetOf(path: string): Promise<string | undefined> {
  const info = await lstat(path).catch(() => undefined);
  if (!info) return "";
  const target = info.isSymbolicLink()
    ? await readlink(path)
    : onWindows && info.size < 10_000
      ? /^@node "([^"]+)" %\*/.exec(await readFile(path, "utf8"))?.[1]
      : undefined;
  return target?.endsWith(ownScript) ? target : undefined;
}

/** Above this file's bundle, or its source. */
function findScript(): string | undefined {
  for (let dir = import.meta.dirname; dir !== dirname(dir); dir = dirname(dir))
    if (existsSync(join(dir, ownScript))) return join(dir, ownScript);
  return undefined;
}
