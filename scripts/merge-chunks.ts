/**
 * Merges the chunks that a program loads at every start. Each ES module costs
 * Node half a millisecond, and esbuild makes a chunk of every part that two programs share.
 */
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import { writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

type Outputs = Metafile["outputs"];

/** The files to make: for each name, the sources whose chunks come first. */
export type Groups = Record<string, readonly string[]>;

/**
 * Makes one file of all chunks that a group's sources import statically, less
 * what an earlier group has, and makes all other files of `dist` import from it.
 * The chunks stay for `import()`, and hand its exports on.
 */
export async function mergeChunks(
  dist: string,
  { outputs }: Metafile,
  groups: Groups,
  options: BuildOptions,
): Promise<void> {
  const merged = new Set<string>();
  const chunks = join(dist, "chunks");
  const into = (folder: string): BuildOptions => ({
    ...options,
    plugins: [onlyThese(merged, folder)],
  });
  for (const [name, sources] of Object.entries(groups)) {
    const members = closure(outputs, sources).filter(
      (path) => !merged.has(basename(path)),
    );
    for (const path of members) merged.add(basename(path));
    await mergeOne(chunks, name, members, outputs, into(chunks));
  }
  const others = Object.keys(outputs)
    .map((path) => join(dist, inDist(path)))
    .filter((path) => path.endsWith(".js") && !merged.has(basename(path)));
  for (const folder of [dist, chunks])
    await build({
      ...into(folder),
      banner: {}, // they have it
      entryPoints: others.filter((path) => dirname(path) === folder),
      outdir: folder,
      allowOverwrite: true,
    });
}

/** The chunks that the sources import statically, their own included. */
function closure(outputs: Outputs, sources: readonly string[]): string[] {
  const found = new Set<string>();
  const add = (path: string) => {
    if (found.has(path)) return;
    found.add(path);
    for (const { path: next, kind, external } of outputs[path]!.imports)
      if (kind === "import-statement" && !external) add(next);
  };
  for (const source of sources) {
    const own = Object.entries(outputs).find(
      ([, { entryPoint }]) => entryPoint === source,
    );
    if (!own) throw new Error(`no chunk begins with ${source}`);
    add(own[0]);
  }
  return [...found].filter((path) => inDist(path).startsWith("chunks/"));
}

/** esbuild names an output by its path from the project's folder: `dist/chunks/a.js`. */
const inDist = (path: string) => path.slice(path.indexOf("/") + 1);

async function mergeOne(
  folder: string,
  name: string,
  members: readonly string[],
  outputs: Outputs,
  options: BuildOptions,
): Promise<void> {
  const chunks = members.map((path, index) => ({
    file: basename(path),
    // The names of two chunks' exports may be the same.
    names: outputs[path]!.exports.map(
      (own) => [own, `${own}_${index}`] as const,
    ),
  }));
  const lines = chunks.map(
    ({ file, names }) =>
      `export { ${names.map(([own, unique]) => `${own} as ${unique}`).join(", ")} } from "./${file}";`,
  );
  await build({
    ...options,
    stdin: { contents: lines.join("\n"), resolveDir: folder, sourcefile: name },
    outfile: join(folder, `${name}.js`),
  });
  for (const { file, names } of chunks)
    await writeFile(
      join(folder, file),
      `export { ${names.map(([own, unique]) => `${unique} as ${own}`).join(", ")} } from "./${name}.js";\n`,
    );
}

/** For files in `folder`: others are imported as they are. A chunk that was merged before only leads to its file. */
const onlyThese = (merged: ReadonlySet<string>, folder: string): Plugin => ({
  name: "only-these",
  setup(bundler) {
    bundler.onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
      if (kind === "import-statement" && merged.has(basename(path)))
        return undefined;
      const way = relative(folder, join(resolveDir, path)).replaceAll(
        "\\",
        "/",
      );
      return { path: `./${way}`, external: true };
    });
  },
});
