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
    // These packages use TLS and digests only if they are told to.
    bundler.onResolve({ filter: /^(?:crypto|tls)$/ }, ({ path, importer }) =>
      /node_modules.(?:ioredis|kafkajs)\b/.test(importer)
        ? { path: `node:${path}`, namespace: "late-builtin" }
        : undefined,
    );
    bundler.onLoad({ filter: /./, namespace: "late-builtin" }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => process.getBuiltinModule("${path}")[name] });`,
    }));
  },
};

/** Modules that most starts never use. Each costs 2 to 6 ms, so its functions load it when they are called. */
const lazy = new Set([
  "node:crypto",
  "node:https",
  "node:tls",
  "node:v8",
  "node:vm",
]);

/** Turns `import { a, b as c, type D } from "node:x"` into constants. Later lines keep their numbers. */
export const withoutImports = (source: string): string =>
  source.replace(
    /^import \{([^}]*)\} from "(node:[^"]+)";/gm,
    (written, names: string, module: string) => {
      const values = names
        .split(",")
        .map((name) => name.trim())
        .filter((name) => name !== "" && !name.startsWith("type "))
        .map((name) => name.split(/\s+as\s+/) as [string, string?]);
      const lines = "\n".repeat(written.split("\n").length - 1);
      const whole = `process.getBuiltinModule("${module}")`;
      if (lazy.has(module) && values.every(([name]) => isCalled(module, name)))
        return (
          values
            .map(
              ([name, own = name]) =>
                `const ${own} = (...given) => ${whole}.${name}(...given);`,
            )
            .join(" ") + lines
        );
      const taken = values.map((one) => one.join(": ")).join(", ");
      return `const { ${taken} } = ${whole};${lines}`;
    },
  );

/** A function; classes, which begin with a capital letter, are made by `new`. */
function isCalled(module: string, name: string): boolean {
  const exported = process.getBuiltinModule(module) as Record<string, unknown>;
  return /^[a-z]/.test(name) && typeof exported[name] === "function";
}
