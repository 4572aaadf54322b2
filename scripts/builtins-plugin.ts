/**
 * For esbuild: Node's own modules are asked for where they are used. As ES modules each would be a chunk of its own to load, and an
 * import of node:http reads its every export, WebSocket among them, and so loads all of fetch: 15 ms and 3 MB.
 */
import type { Plugin } from "esbuild";
import { readFile } from "node:fs/promises";

export const builtins: Plugin = {
  name: "builtins",
  setup(bundler) {
    bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => ({
      contents: withoutImports(await readFile(path, "utf8")),
      loader: "ts",
    }));
    // Packages of ES modules import them as they like.
    bundler.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "builtin" } : undefined,
    );
    bundler.onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("${path}");`,
    }));
  },
};

/** `import { a, b as c, type D } from "node:x"` becomes a constant; what follows keeps its line. */
export const withoutImports = (source: string): string =>
  source.replace(
    /^import \{([^}]*)\} from "(node:[^"]+)";/gm,
    (written, names: string, module: string) => {
      const values = names
        .split(",")
        .map((name) => name.trim().replace(/\s+as\s+/, ": "))
        .filter((name) => name !== "" && !name.startsWith("type "));
      const lines = "\n".repeat(written.split("\n").length - 1);
      return `const { ${values.join(", ")} } = process.getBuiltinModule("${module}");${lines}`;
    },
  );
