/**
 * Makes dist/templates/ for `dapr create`: of each tutorial that has a run file the apps, components and run file, once in
 * TypeScript and once in JavaScript, with a package.json and a README. Only what they use is in it. Names of the project are
 * filled in by `dapr create`.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { packagesOf } from "../runtime/cli/create/copy-packages.ts";
import { ownFolder } from "../runtime/cli/create/own-package.ts";
import { withoutTypes } from "./strip-types.ts";
import { readme } from "./template-readme.ts";

const root = join(import.meta.dirname, "..");

/** By the name of the template, the folder of its tutorial, and the components that its apps use. */
export const tutorials = {
  bindings: {
    folder: "bindings",
    // The second is for nodeapp's orders by service invocation.
    components: ["embedded/sample-topic.yaml", "sqlite/statestore.yaml"],
  },
  state: { folder: "hello-world", components: ["sqlite/statestore.yaml"] },
  pubsub: { folder: "pub-sub", components: ["embedded/pubsub.yaml"] },
} as const;

type Language = "typescript" | "javascript";

interface RunFile {
  common?: { resourcesPaths?: string[] };
  apps: { appDirPath: string; command: string[] }[];
}

/** Writes the templates of the tutorials that exist. */
export function buildTemplates(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, tutorial] of Object.entries(tutorials)) {
    if (!existsSync(join(root, "tutorials", tutorial.folder, "dapr.yaml")))
      continue;
    for (const language of ["typescript", "javascript"] as const)
      writeTemplate(join(folder, name, language), name, tutorial, language);
  }
}

/** The names of the packages that the apps of templates need. Throws if one is not installed in `packages`. */
export function templatePackages(folder: string, packages: string): string[] {
  const all = readdirSync(folder).flatMap((name) => {
    const template = join(folder, name, "typescript");
    const { names, missing } = packagesOf(template, packages);
    // Types are only for the editor.
    const needed = missing.filter((one) => !one.startsWith("@types/"));
    if (needed.length > 0)
      throw new Error(`${template} needs ${needed.join(", ")}`);
    return names;
  });
  return [...new Set(all)].sort();
}

function writeTemplate(
  to: string,
  name: string,
  tutorial: (typeof tutorials)[keyof typeof tutorials],
  language: Language,
) {
  const home = join(root, "tutorials", tutorial.folder);
  const text = readFileSync(join(home, "dapr.yaml"), "utf8");
  const { common, apps } = parse(text) as RunFile;
  const appFolders = [...new Set(apps.map(({ appDirPath }) => appDirPath))];
  const [resources] = common?.resourcesPaths ?? [];
  if (resources === undefined)
    throw new Error(`${join(home, "dapr.yaml")} names no resourcesPaths`);
  mkdirSync(to, { recursive: true });
  for (const folder of appFolders) {
    const from = join(home, folder);
    const programs = apps
      .filter(({ appDirPath }) => appDirPath === folder)
      .flatMap(({ command }) => command)
      .filter((word) => existsSync(join(from, word)));
    copyApp(from, join(to, inProject(folder)), programs, language);
  }
  for (const file of tutorial.components)
    cpSync(
      join(root, "components", file),
      join(to, inProject(resources), basename(file)),
    );
  const runFile = text
    .replaceAll("../../", "")
    .replaceAll(
      `dapr run -f tutorials/${tutorial.folder}/dapr.yaml`,
      "dapr run -f .",
    );
  write(
    join(to, "dapr.yaml"),
    language === "javascript" ? runFile.replaceAll('.ts"', '.js"') : runFile,
  );
  const manifests = appFolders.map((folder) =>
    readJson(join(home, folder, "package.json")),
  );
  write(join(to, "package.json"), manifestOf(manifests, language));
  if (language === "typescript")
    write(join(to, "tsconfig.json"), `${JSON.stringify(tsconfig, null, 2)}\n`);
  write(join(to, "README.md"), readme(name, to));
  // npm leaves files of the name .gitignore out of packages; `dapr create` gives it its dot.
  write(join(to, "gitignore"), "node_modules/\n.dapr/\n");
}

/** The kit's folders keep their paths, below the project's. */
const inProject = (path: string) => path.replace(/^(\.\.\/)+/, "");

/** What its programs load, and nothing else of the folder. */
function copyApp(
  from: string,
  to: string,
  programs: readonly string[],
  language: Language,
) {
  const names = filesOf(from, programs);
  for (const name of names) {
    const [source, target] = [join(from, name), join(to, name)];
    if (language === "javascript" && extname(name) === ".ts")
      write(
        target.replace(/ts$/, "js"),
        renamed(withoutTypes(readFileSync(source, "utf8")), names),
      );
    else write(target, readFileSync(source, "utf8"));
  }
}

/** These files, and those beside them that they import or name by `new URL`. */
function filesOf(folder: string, programs: readonly string[]): string[] {
  const found = new Set(programs);
  for (const name of found) {
    const text = readFileSync(join(folder, name), "utf8");
    for (const [, path] of text.matchAll(
      /(?:from|import|new URL\()\s*"(?:\.\/)?([\w-]+\.\w+)"/g,
    ))
      if (existsSync(join(folder, path!))) found.add(path!);
  }
  return [...found];
}

/** Comments name other files, too. */
const renamed = (text: string, names: readonly string[]) =>
  names
    .filter((name) => name.endsWith(".ts"))
    .reduce(
      (all, name) => all.replaceAll(name, name.replace(/ts$/, "js")),
      text,
    );

/** For the editor: Node runs the files as they are. */
const tsconfig = {
  compilerOptions: {
    target: "esnext",
    module: "nodenext",
    types: ["node"],
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  },
  exclude: ["node_modules", "vendor"],
};

interface Manifest {
  license: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const readJson = (file: string) =>
  JSON.parse(readFileSync(file, "utf8")) as Manifest;

function manifestOf(manifests: readonly Manifest[], language: Language) {
  const kit = readJson(join(root, "package.json"));
  const types = Object.entries(kit.devDependencies ?? {}).filter(([name]) =>
    name.startsWith("@types/"),
  );
  const manifest = {
    name: "NAME",
    version: "0.1.0",
    private: true,
    type: "module",
    scripts: { start: "dapr run -f .", stop: "dapr stop -f ." },
    dependencies: Object.assign(
      {},
      ...manifests.map(({ dependencies }) => dependencies),
    ) as Record<string, string>,
    devDependencies: {
      ...(language === "typescript" ? Object.fromEntries(types) : {}),
      // What made this project puts itself there.
      "dapr-ts": `file:${ownFolder}`,
    },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function write(file: string, text: string) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  buildTemplates(join(root, "dist", "templates"));
