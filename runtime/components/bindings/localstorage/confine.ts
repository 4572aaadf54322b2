/** Keeps names of files below a folder, whatever links and dots they contain. */
import { existsSync, realpathSync, statSync } from "node:fs";
import { lstat, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** Folders of the system, and a pod's tokens. /var/run usually leads to /run. */
const refused = ["/proc", "/sys", "/boot", "/var/run/secrets", "/run/secrets"];

const isWithin = (path: string, folder: string): boolean => {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

/** The folder's absolute path without links. Throws if it can't be the root of a store. */
export function resolveRoot(written: string): string {
  const wanted = resolve(written);
  let there = wanted;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  if (!statSync(there).isDirectory())
    throw new Error("property rootPath represents a file and not a directory");
  const root = join(realpathSync(there), relative(there, wanted));
  if (refused.some((folder) => isWithin(root, folder)))
    throw new Error("property rootPath points to a disallowed location");
  return root;
}

/**
 * The absolute path of a name below the root, its links followed. The file need
 * not exist. Rejects when the name, or a link on its way, leads out of the root.
 */
export async function confine(root: string, name: string): Promise<string> {
  if (name.includes("\0")) throw new Error("fileName holds a NUL character");
  const parts = name.split(sep === "\\" ? /[\\/]/ : "/");
  if (parts.includes("..") || name.split(/[\\/]/).includes(".."))
    throw new Error(`fileName ${JSON.stringify(name)} may not hold ".."`);
  let path = root;
  let isThere = true;
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    path = join(path, part);
    if (!isThere) continue;
    const status = await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    isThere = status !== undefined;
    if (!status?.isSymbolicLink()) continue;
    const end = await realpath(path).catch((error: unknown) => {
      throw new Error(`${JSON.stringify(name)} is a link that leads nowhere`, {
        cause: error,
      });
    });
    if (!isWithin(end, root))
      throw new Error(
        `fileName ${JSON.stringify(name)} leads out of rootPath by a link`,
      );
    path = end;
  }
  // A drive letter, or something else that the system gives a meaning to.
  if (!isWithin(path, root))
    throw new Error(`fileName ${JSON.stringify(name)} leads out of rootPath`);
  return path;
}
