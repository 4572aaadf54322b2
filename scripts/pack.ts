/**
 * `npm run pack -- [FOLDER]`: makes the package that anybody can install, FOLDER/dapr-ts-VERSION.tgz (out/ if absent), and
 * prints its path. It is the bundle with what starts it: nothing is built or fetched where it is installed.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve, sep } from "node:path";
import { templatePackages } from "./build-templates.ts";
import { npm } from "./npm.ts";
import { fail, parseOptions } from "./options.ts";

const usage = `npm run pack -- [FOLDER]

  FOLDER   where the package goes (default out/)`;

const root = join(import.meta.dirname, "..");
const { positionals } = parseOptions("pack", usage, {}, true);
if (positionals.length > 1) fail(usage);
const target = resolve(positionals[0] ?? join(root, "out"));

// The program rebuilds a bundle that is missing or older than its sources.
const { status } = spawnSync(
  process.execPath,
  [join(root, "runtime", "bin", "daprd.js"), "--version"],
  { stdio: ["ignore", "ignore", "inherit"] },
);
if (status !== 0) process.exit(1);

const folder = mkdtempSync(join(tmpdir(), "dapr-pack-"));
try {
  writePackage(folder);
  mkdirSync(target, { recursive: true });
  const made = await npm(
    ["pack", folder, "--pack-destination", target, "--ignore-scripts"],
    { stderr: "ignore" },
  );
  console.log(join(target, made.trim().split("\n").at(-1) ?? ""));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The folders are those of the kit, so that the same files find each other. */
function writePackage(to: string): void {
  copy("dist", to, (path) => !/\.map$|(^|[\\/])\.compile-cache/.test(path));
  for (const file of ["dapr.js", "daprd.js", "launch.js", "installed.cjs"])
    copy(`runtime/bin/${file}`, to);
  for (const file of ["index.cjs", "index.d.cts"])
    copy(`runtime/testing/${file}`, to);
  copy("LICENSE", to);
  cpSync(join(import.meta.dirname, "package-readme.md"), join(to, "README.md"));
  const installed = join(root, "node_modules");
  // Not in a folder node_modules, which npm leaves out.
  for (const name of templatePackages(join(to, "dist/templates"), installed))
    cpSync(join(installed, name), join(to, "dist/packages", name), {
      recursive: true,
      filter: (path) => isNeeded(relative(installed, path)),
    });
  for (const name of globSync("dist/**/*.{js,cjs}", { cwd: to })) {
    const file = join(to, name);
    // `ipaddr.js` is a folder.
    if (statSync(file).isFile()) leaveOutMap(file);
  }
  writeFileSync(
    join(to, "package.json"),
    `${JSON.stringify(manifest(), null, 2)}\n`,
  );
}

function copy(
  path: string,
  to: string,
  isWanted: (path: string) => boolean = () => true,
): void {
  const from = join(root, path);
  cpSync(from, join(to, path), {
    recursive: true,
    filter: (file) => isWanted(relative(from, file)),
  });
}

/** The line that names a source map: none is in the package. */
function leaveOutMap(file: string): void {
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, "\n"));
}

/** Of a package of others: what runs, and its license. */
function isNeeded(path: string): boolean {
  const inside = path.split(sep).slice(path.startsWith("@") ? 2 : 1);
  const name = basename(path);
  return (
    !inside.some((part) =>
      /^(\..*|tests?|__tests__|node_modules)$/.test(part),
    ) &&
    !/\.(map|[cm]?ts)$/.test(name) &&
    !(/\.md$/i.test(name) && !/^licen[cs]e/i.test(name))
  );
}

interface Manifest {
  bin: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
  /** For TypeScript that does not know `exports`: `moduleResolution` node, the default of older ones. */
  typesVersions: { "*": Record<string, string[]> };
}

/** That of runtime/, with paths from the package's folder, and without packages to install. */
function manifest() {
  const {
    private: _,
    dependencies: _dependencies,
    devDependencies: _devDependencies,
    ...kept
  } = JSON.parse(
    readFileSync(join(root, "runtime", "package.json"), "utf8"),
  ) as Record<string, unknown> & Manifest;
  const inRuntime = (path: string) => path.replace(/^(\.\/)?/, "$1runtime/");
  const { "./package.json": own, ...entries } = kept.exports;
  return {
    ...kept,
    engines: { node: ">=24" },
    bin: mapValues(kept.bin, inRuntime),
    exports: {
      ...mapValues(entries, (conditions) =>
        mapValues(conditions as Record<string, string>, inRuntime),
      ),
      "./package.json": own,
    },
    typesVersions: {
      "*": mapValues(kept.typesVersions["*"], (paths) => paths.map(inRuntime)),
    },
  };
}

function mapValues<T, U>(record: Record<string, T>, to: (value: T) => U) {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, to(value)]),
  );
}
