/** Bundles the control plane into dist.kubernetes/, with the parts of the Kubernetes client library that informers need. */
import { build, type Plugin } from "esbuild";
import { existsSync, globSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { builtins } from "./builtins-plugin.ts";
import { installOnce } from "./install-once.ts";

const root = join(import.meta.dirname, "..");
const folder = join(root, "runtime", "kubernetes");
const dist = join(root, "dist.kubernetes");

/** Installs the control plane's libraries, which only building and testing images needs. */
export const installControlPlane = (): Promise<void> =>
  installOnce(
    folder,
    "the control plane's libraries, 87 MB",
    "--ignore-scripts",
  );

/**
 * Leaves out the client library's 700 generated models, and the parts of undici that only browser APIs need. That
 * saves 13 of 83 MB of memory. Informers with a service account use none of it.
 */
const slim: Plugin = {
  name: "slim",
  setup(bundler) {
    const asked = "slim asked";
    bundler.onResolve(
      { filter: /client-node|^\.\.?\// },
      async ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === asked) return undefined;
        if (!`${path}${importer}`.includes("client-node")) return undefined;
        const found = await bundler.resolve(path, {
          importer,
          kind,
          resolveDir,
          pluginData: asked,
        });
        return found.errors.length > 0
          ? undefined
          : { ...found, sideEffects: false };
      },
    );
    bundler.onLoad({ filter: /client-node\/dist\/serializer\.js$/ }, () => ({
      // Informers call it only with the text of a selector.
      contents:
        "export const ObjectSerializer = { serialize: (text) => text };",
    }));
    bundler.onResolve({ filter: /^undici$/ }, ({ importer }) =>
      importer.includes("client-node")
        ? { path: "undici", namespace: "slim" }
        : undefined,
    );
    bundler.onLoad({ filter: /^undici$/, namespace: "slim" }, () => ({
      resolveDir: folder,
      contents: `
        import agent from "./node_modules/undici/lib/dispatcher/agent.js";
        import web from "./node_modules/undici/lib/web/fetch/index.js";
        export const Agent = agent;
        export const fetch = (input, init) => web.fetch(input, init);
        export class ProxyAgent {
          constructor() {
            throw new Error("the control plane reaches Kubernetes without a proxy");
          }
        }`,
    }));
  },
};

/** Builds the bundle unless it is newer than its sources: another program may be copying it into an image. */
export async function buildControlPlane(): Promise<void> {
  if (isCurrent()) return;
  const fresh = `${dist}.${process.pid}.new`;
  await build({
    absWorkingDir: root,
    entryPoints: [{ in: "runtime/kubernetes/main.ts", out: "control-plane" }],
    outdir: fresh,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    format: "esm",
    outExtension: { ".js": ".mjs" },
    platform: "node",
    target: "node24",
    legalComments: "none",
    logLevel: "warning",
    plugins: [builtins, slim],
    banner: {
      js: 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
    },
  });
  rmSync(dist, { recursive: true, force: true });
  renameSync(fresh, dist);
}

function isCurrent(): boolean {
  const bundle = join(dist, "control-plane.mjs");
  if (!existsSync(bundle)) return false;
  const builtMs = statSync(bundle).mtimeMs;
  const sources = globSync("runtime/**/*.ts", {
    cwd: root,
    exclude: (path) => path.includes("node_modules"),
  }).filter((path) => !path.endsWith(".test.ts"));
  return [
    import.meta.filename,
    join(import.meta.dirname, "builtins-plugin.ts"),
    join(folder, "package-lock.json"),
    ...sources.map((path) => join(root, path)),
  ].every((path) => statSync(path).mtimeMs <= builtMs);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await installControlPlane();
  await buildControlPlane();
}
