/** Copies installed packages into a project, so that its apps run without the network. */
import { existsSync, readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";

interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;

const dependenciesOf = (folder: string): string[] =>
  Object.keys(manifestOf(folder).dependencies ?? {});

/** What is in a folder of the project is no package to copy. */
function wantedBy(project: string): string[] {
  const { dependencies, devDependencies } = manifestOf(project);
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !version.startsWith("file:"))
    .map(([name]) => name);
}

/**
 * What the project's package.json names, for its development too, and what those packages need, of the folder `packages`. `missing` are the names of
 * packages that are not there.
 */
export function packagesOf(
  project: string,
  packages: string,
): { names: string[]; missing: string[] } {
  const names: string[] = [];
  const missing: string[] = [];
  const seen = new Set<string>();
  const wanted = wantedBy(project).map((name) => ({
    name,
    from: packages,
  }));
  for (let next = wanted.shift(); next; next = wanted.shift()) {
    const folder = find(next.name, next.from, packages);
    if (!folder) {
      missing.push(next.name);
      continue;
    }
    if (seen.has(folder)) continue;
    seen.add(folder);
    // One inside another package comes with that package.
    if (folder === join(packages, next.name)) names.push(next.name);
    for (const name of dependenciesOf(folder))
      wanted.push({ name, from: folder });
  }
  return { names, missing };
}

/** Copies them into the project's node_modules. Returns the names of those that are missing. */
export async function copyPackages(
  project: string,
  packages: string,
): Promise<string[]> {
  const { names, missing } = packagesOf(project, packages);
  for (const name of names)
    await cp(join(packages, name), join(project, "node_modules", name), {
      recursive: true,
    });
  return missing;
}

/** Where Node would find a package from the folder of another one. */
function find(name: string, from: string, packages: string) {
  for (let dir = from; dir.length > packages.length; dir = dirname(dir)) {
    const folder = join(dir, "node_modules", name);
    if (existsSync(join(folder, "package.json"))) return folder;
  }
  const folder = join(packages, name);
  return existsSync(join(folder, "package.json")) ? folder : undefined;
}
