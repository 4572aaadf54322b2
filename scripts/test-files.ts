/** Finds the test files, the suite of each, and whether it needs containers. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

export interface TestFile {
  /** Relative to the project's folder, with forward slashes. */
  path: string;
  suite:
    | "patterns"
    | "unit"
    | "contract"
    | "e2e"
    | "sdk"
    | "faults"
    | "containers"
    | "kubernetes";
  needsDocker: boolean;
  needsCluster: boolean;
}

const suiteOfPlace: Record<string, TestFile["suite"]> = {
  "tests/linear-patterns.test.ts": "patterns",
  "tests/contracts": "contract",
  "tests/end-to-end": "e2e",
  "tests/sdk": "sdk",
  "tests/faults": "faults",
  "tests/attacks": "faults",
  "tests/containers": "containers",
  "tests/kubernetes": "kubernetes",
};

export function findTestFiles(root: string): TestFile[] {
  return ["runtime", "nodeapp", "producerapp", "scripts", "bench", "tests"]
    .flatMap((folder) => walk(join(root, folder)))
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => {
      const path = relative(root, file).split(sep).join("/");
      const place = path.split("/").slice(0, 2).join("/");
      const suite = suiteOfPlace[place] ?? "unit";
      return {
        path,
        suite,
        needsCluster: suite === "kubernetes",
        needsDocker: usesContainers(file, new Set()),
      };
    })
    .sort((a, b) => a.path.localeCompare(b.path));
}

function walk(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name.startsWith(".")) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

/** Whether a test, or a helper that it imports, starts containers. */
function usesContainers(file: string, seen: Set<string>): boolean {
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const text = readFileSync(file, "utf8");
  if (/from "(@testcontainers\/[^"]+|testcontainers)"/.test(text)) return true;
  if (/import\("testcontainers"\)/.test(text)) return true;
  return [...text.matchAll(/from "(\.[^"]+\.ts)"/g)].some(([, path = ""]) =>
    usesContainers(join(dirname(file), path), seen),
  );
}
