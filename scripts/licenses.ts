/** The licenses of the packages that are part of what ships. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  name: string;
  version: string;
  license?: string;
}

/** The folders of the packages that these files are of, each once. Files of no package are left out. */
export function packagesOfFiles(files: readonly string[]): string[] {
  const found = files.flatMap((file) => {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
    return folder ? [folder] : [];
  });
  return [...new Set(found)];
}

/** One text for the packages in these folders. Throws if one says neither its license's name nor its text. */
export function licenses(folders: readonly string[]): string {
  return [
    "The schema of Dapr's gRPC protocols (Apache-2.0, Copyright The Dapr Authors) and these packages are part of this program.",
    ...[...new Set(folders.map(licenseOf))].sort(),
  ].join(`\n\n${"-".repeat(80)}\n\n`);
}

function licenseOf(folder: string): string {
  const text = readFileSync(join(folder, "package.json"), "utf8");
  const { name, version, license } = JSON.parse(text) as Manifest;
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (!license && texts.length === 0)
    throw new Error(`${folder} says nothing of its license`);
  return [`${name} ${version}: ${license ?? "see below"}`, ...texts].join(
    "\n\n",
  );
}
