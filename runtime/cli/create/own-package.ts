/** The package `dapr-ts` itself: the bundle with what starts it, made of the kit, or of a package that is installed. */
import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative, sep } from "node:path";

/** Where a project has it, with slashes. */
export const ownFolder = "vendor/dapr-ts";

/** Beside `dist/` in the kit; the package has the same folders, so the same files find each other. */
const files = [
  ...["dapr.js", "daprd.js", "launch.js", "installed.cjs"].map(
    (name) => `runtime/bin/${name}`,
  ),
  ...["index.cjs", "index.d.cts"].map((name) => `runtime/testing/${name}`),
  "LICENSE",
];
const leftOut = /\.map$|(^|[\\/])\.compile-cache/;
/** What only `dapr create` needs. */
const forCreate = ["dist/templates", "dist/packages"];

/** `root`: the kit, or the installed package. `hasTemplates`: whether `dapr create` has to work there, too. */
export function writeOwnPackage(
  root: string,
  to: string,
  hasTemplates: boolean,
): void {
  cpSync(join(root, "dist"), join(to, "dist"), {
    recursive: true,
    filter: (path) => {
      const name = relative(root, path).split(sep).join("/");
      return !leftOut.test(name) && (hasTemplates || !forCreate.includes(name));
    },
  });
  for (const file of files) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(root, file), join(to, file));
  }
  leaveOutMaps(to);
  const manifest = manifestOf(root);
  for (const file of Object.values(manifest.bin))
    chmodSync(join(to, file), 0o755);
  writeFileSync(
    join(to, "package.json"),
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
}

/** As `npm install` does with the dependency `file:vendor/dapr-ts`. `folder`: where the project will be. */
export function linkOwnPackage(project: string, folder: string): void {
  const modules = join(project, "node_modules");
  const bins = join(modules, ".bin");
  mkdirSync(bins, { recursive: true });
  const isWindows = process.platform === "win32";
  symlinkSync(
    isWindows ? join(folder, ownFolder) : join("..", ownFolder),
    join(modules, basename(ownFolder)),
    "junction",
  );
  const { bin } = manifestOf(join(project, ownFolder));
  for (const [name, file] of Object.entries(bin)) {
    const path = join("..", basename(ownFolder), file);
    if (isWindows)
      writeFileSync(
        join(bins, `${name}.cmd`),
        `@node "%~dp0\\${path.replaceAll("/", "\\")}" %*\r\n`,
      );
    else symlinkSync(path, join(bins, name));
  }
}

/** The lines that name source maps: none is in the package. */
export function leaveOutMaps(to: string): void {
  for (const name of globSync("dist/**/*.{js,cjs}", { cwd: to })) {
    const file = join(to, name);
    // `ipaddr.js` is a folder.
    if (!statSync(file).isFile()) continue;
    const text = readFileSync(file, "utf8");
    // The brackets: this file is in the package, and has no map either.
    const line = /\n\/\/# source[M]appingURL=\S+\s*$/;
    writeFileSync(file, text.replace(line, "\n"));
  }
}

interface Manifest {
  bin: Record<string, string>;
  exports: Record<string, string | Record<string, string>>;
  /** For TypeScript that does not know `exports`: `moduleResolution` node, the default of older ones. */
  typesVersions: { "*": Record<string, string[]> };
}

/** In the kit that of runtime/, with paths from the package's folder, and without packages to install. */
function manifestOf(root: string): Manifest {
  const inRuntime = join(root, "runtime", "package.json");
  if (!existsSync(inRuntime)) return read(join(root, "package.json"));
  const {
    private: _,
    dependencies: _dependencies,
    devDependencies: _devDependencies,
    ...kept
  } = read(inRuntime) as Manifest & Record<string, unknown>;
  const moved = (path: string) => path.replace(/^(\.\/)?/, "$1runtime/");
  const { "./package.json": own, ...entries } = kept.exports;
  return {
    ...kept,
    engines: { node: ">=24" },
    bin: mapValues(kept.bin, moved),
    exports: {
      ...mapValues(entries, (conditions) =>
        mapValues(conditions as Record<string, string>, moved),
      ),
      "./package.json": own!,
    },
    typesVersions: {
      "*": mapValues(kept.typesVersions["*"], (paths) => paths.map(moved)),
    },
  } as Manifest;
}

const read = (file: string) =>
  JSON.parse(readFileSync(file, "utf8")) as Manifest;

function mapValues<T, U>(record: Record<string, T>, to: (value: T) => U) {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, to(value)]),
  );
}
