/** Copies installed packages into a project, so that its apps run without the network. */
import { existsSync, readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";

interface Manifest {
  dependencies?: Record<string, string>;
}

const dependenciesOf = (folder: string): string[] => {
  const text = readFileSync(join(folder, "package.json"), "utf8");
  return Object.keys((JSON.parse(text) as Manifest).dependencies ?? {});
};

/**
 * Copies what the project's package.json names, and what those packages need, from the installation at `root`. Returns the
 * names of packages that are not installed there.
 */
export async function copyPackages(
  project: string,
  root: string,
): Promise<string[]> {
  const missing: string[] = [];
  const copied = new Set<string>();
  const wanted = dependenciesOf(project).map((name) => ({ name, from: root }));
  for (let next = wanted.shift(); next; next = wanted.shift()) {
    const folder = find(next.name, next.from, root);
    if (!folder) {
      missing.push(next.name);
      continue;
    }
    if (copied.has(folder)) continue;
    copied.add(folder);
    // One inside another package comes with that package.
    if (folder === join(root, "node_modules", next.name))
      await cp(folder, join(project, "node_modules", next.name), {
        recursive: true,
      });
    for (const name of dependenciesOf(folder))
      wanted.push({ name, from: folder });
  }
  return missing;
}

/** Where Node would find a package from a folder, at most up to the root. */
function find(name: string, from: string, root: string): string | undefined {
  for (let dir = from; dir.length >= root.length; dir = dirname(dir)) {
    const folder = join(dir, "node_modules", name);
    if (existsSync(join(folder, "package.json"))) return folder;
  }
  return undefined;
}
