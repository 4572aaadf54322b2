/**
 * Bundles what ships: dist/dapr.js and dist/daprd.js, with the drivers as lazily
 * loaded chunks. `npm install` runs it (prepare). The programs in runtime/bin run it
 * again when a source is newer than the bundle.
 */
import { build, type BuildFailure } from "esbuild";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { builtins } from "./builtins-plugin.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
// The bundle is built beside the old one and then swapped in, so that a program that starts meanwhile finds a whole one.
const fresh = `${dist}.${process.pid}.new`;
const old = `${dist}.${process.pid}.old`;

const { errors } = await build({
  absWorkingDir: root,
  entryPoints: [
    { in: "runtime/entries/dapr.ts", out: "dapr" },
    { in: "runtime/entries/daprd.ts", out: "daprd" },
    {
      in: "runtime/components/clients/sqlite/broker/worker.ts",
      out: "sqlite-worker",
    },
    {
      in: "runtime/components/clients/sqlite/state/worker.ts",
      out: "sqlite-state-worker",
    },
    { in: "runtime/api/http/body-worker.ts", out: "body-worker" },
  ],
  outdir: fresh,
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
  plugins: [builtins],
  // The ES module of yaml. The CommonJS one, imported by `await import("yaml")`, has only a default export.
  alias: { yaml: join(root, "node_modules/yaml/browser/index.js") },
  // CommonJS packages load Node's own modules by require().
  banner: {
    js: 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
  },
}).catch((error: BuildFailure) => error);
if (errors.length > 0) process.exit(1); // esbuild has printed file and line
if (existsSync(dist)) renameSync(dist, old);
renameSync(fresh, dist);
rmSync(old, { recursive: true, force: true });
