/** Finds the test files, the suite of each, and what it needs. */
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
  /** Servers that it starts from the machine's own packages. */
  needsPrograms: string[];
  needsBrowser: boolean;
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
      const texts = textsOf(file, new Map());
      return {
        path,
        suite,
        needsCluster: suite === "kubernetes",
        needsDocker: suite === "containers" || texts.some(usesContainers),
        needsPrograms: [...new Set(texts.flatMap(programsOf))],
        needsBrowser: texts.some((text) => /from "playwright-core"/.test(text)),
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

/** The texts of a test and of the helpers that it imports. */
function textsOf(file: string, seen: Map<string, string>): string[] {
  if (!seen.has(file) && existsSync(file)) {
    const text = readFileSync(file, "utf8");
    seen.set(file, text);
    for (const [, path = ""] of text.matchAll(/from "(\.[^"]+\.ts)"/g))
      textsOf(join(dirname(file), path), seen);
  }
  return [...seen.values()];
}

/** Whether a file starts containers. */
const usesContainers = (text: string): boolean =>
  /from "(@testcontainers\/[^"]+|testcontainers)"/.test(text) ||
  /import\("testcontainers"\)/.test(text);

/** The servers that a file starts, by `startProgram("NAME", …)`. */
const programsOf = (text: string): string[] =>
  [...text.matchAll(/\bstartProgram\("([\w-]+)"/g)].map(
    ([, name = ""]) => name,
  );
