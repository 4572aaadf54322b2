/**
 * Makes dist/templates/ for `dapr create`: of each tutorial that has a run file the apps, components and run file, once in
 * TypeScript and once in JavaScript, with a package.json and a README. Names of the project are filled in by `dapr create`.
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
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { packagesOf } from "../runtime/cli/create/copy-packages.ts";
import { withoutTypes } from "./strip-types.ts";
import { readme } from "./template-readme.ts";

const root = join(import.meta.dirname, "..");

/** By the name of the template, the folder of its tutorial. */
export const tutorials = {
  bindings: "bindings",
  state: "hello-world",
  pubsub: "pub-sub",
} as const;

type Language = "typescript" | "javascript";

interface RunFile {
  common?: { resourcesPaths?: string[] };
  apps: { appDirPath: string; command: string[] }[];
}

/** What belongs to an image, to npm or to a run is no part of an app. */
const leftOut =
  /^(node_modules|__pycache__|\.venv|\.dapr|\.dockerignore|Dockerfile|package\.json)$/;

/** Writes the templates of the tutorials that exist. */
export function buildTemplates(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, tutorial] of Object.entries(tutorials)) {
    if (!existsSync(join(root, "tutorials", tutorial, "dapr.yaml"))) continue;
    for (const language of ["typescript", "javascript"] as const)
      writeTemplate(join(folder, name, language), name, tutorial, language);
  }
}

/** The names of the packages that the apps of templates need. Throws if one is not installed in `packages`. */
export function templatePackages(folder: string, packages: string): string[] {
  const all = readdirSync(folder).flatMap((name) => {
    const template = join(folder, name, "javascript");
    const { names, missing } = packagesOf(template, packages);
    if (missing.length > 0)
      throw new Error(`${template} needs ${missing.join(", ")}`);
    return names;
  });
  return [...new Set(all)].sort();
}

function writeTemplate(
  to: string,
  name: string,
  tutorial: string,
  language: Language,
) {
  const home = join(root, "tutorials", tutorial);
  const text = readFileSync(join(home, "dapr.yaml"), "utf8");
  const { common, apps } = parse(text) as RunFile;
  const appFolders = [...new Set(apps.map(({ appDirPath }) => appDirPath))];
  const resources = common?.resourcesPaths ?? [];
  mkdirSync(to, { recursive: true });
  for (const folder of appFolders)
    copyApp(join(home, folder), join(to, inProject(folder)), language);
  for (const folder of resources)
    cpSync(join(home, folder), join(to, inProject(folder)), {
      recursive: true,
    });
  const runFile = text
    .replaceAll("../../", "")
    .replaceAll(`dapr run -f tutorials/${tutorial}/dapr.yaml`, "dapr run -f .");
  write(
    join(to, "dapr.yaml"),
    language === "javascript" ? runFile.replaceAll('.ts"', '.js"') : runFile,
  );
  const manifests = appFolders.map((folder) =>
    readJson(join(home, folder, "package.json")),
  );
  write(join(to, "package.json"), manifestOf(manifests, language));
  write(join(to, "README.md"), readme(name, to));
  // npm leaves files of the name .gitignore out of packages; `dapr create` gives it its dot.
  write(join(to, "gitignore"), "node_modules/\n.dapr/\n");
}

/** The kit's folders keep their paths, below the project's. */
const inProject = (path: string) => path.replace(/^(\.\.\/)+/, "");

function copyApp(from: string, to: string, language: Language) {
  mkdirSync(to, { recursive: true });
  const names = readdirSync(from).filter((name) => !leftOut.test(name));
  for (const name of names) {
    // For a Node that is too old for TypeScript there is a JavaScript file of one line, which a project of its own does not need.
    if (name.endsWith(".js") && names.includes(name.replace(/js$/, "ts")))
      continue;
    const [source, target] = [join(from, name), join(to, name)];
    if (language === "javascript" && extname(name) === ".ts")
      write(
        target.replace(/ts$/, "js"),
        renamed(withoutTypes(readFileSync(source, "utf8")), names),
      );
    else cpSync(source, target, { recursive: true });
  }
}

/** Comments name other files, too. */
const renamed = (text: string, names: readonly string[]) =>
  names
    .filter((name) => name.endsWith(".ts"))
    .reduce(
      (all, name) => all.replaceAll(name, name.replace(/ts$/, "js")),
      text,
    );

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
    ...(language === "typescript"
      ? { devDependencies: Object.fromEntries(types) }
      : {}),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

function write(file: string, text: string) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  buildTemplates(join(root, "dist", "templates"));
