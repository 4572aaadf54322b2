/**
 * For esbuild: Node's own modules are loaded by `process.getBuiltinModule`. As ES modules, each would be one more chunk to load.
 * An import of node:http reads every export, WebSocket among them, and so loads all of fetch: 15 ms and 3 MB.
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
    // Packages that are ES modules import Node's modules in ways that `withoutImports` does not know, so this covers them.
    bundler.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "builtin" } : undefined,
    );
    bundler.onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("${path}");`,
    }));
  },
};

/** Turns `import { a, b as c, type D } from "node:x"` into a constant. Later lines keep their numbers. */
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
