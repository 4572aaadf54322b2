/**
 * Bundles what ships: dist/dapr.js and dist/daprd.js, with the drivers as lazily
 * loaded chunks, the test API, the templates of `dapr create`, the page of `dapr dashboard`, and the licenses of all packages in
 * it. `npm install` runs it (prepare). The programs in runtime/bin run it again when a source is newer than the bundle.
 */
import { build, type BuildFailure, type BuildOptions } from "esbuild";
import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildDashboard } from "./build-dashboard.ts";
import { buildTemplates, templatePackages } from "./build-templates.ts";
import { builtins } from "./builtins-plugin.ts";
import { licenses, packagesOfFiles } from "./licenses.ts";
import { mergeChunks } from "./merge-chunks.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
// The bundle is built beside the old one and then swapped in, so that a program that starts meanwhile finds a whole one.
const fresh = `${dist}.${process.pid}.new`;
const old = `${dist}.${process.pid}.old`;

const options: BuildOptions = {
  // Whoever runs a program rebuilds it, from any folder: the bundle names its files by this one.
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
  // CommonJS packages load Node's own modules by require().
  banner: {
    js: 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
  },
};

const { errors, metafile } = await build({
  ...options,
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
  metafile: true,
  chunkNames: "chunks/[name]-[hash]",
  splitting: true,
  plugins: [builtins],
  // The ES module of yaml. The CommonJS one, imported by `await import("yaml")`, has only a default export.
  alias: { yaml: join(root, "node_modules/yaml/browser/index.js") },
}).catch((error: BuildFailure) => ({ ...error, metafile: undefined }));
if (errors.length > 0 || !metafile) process.exit(1); // esbuild has printed file and line
await mergeChunks(
  fresh,
  metafile,
  {
    // Before the cache of compiled code is there: as little as can be.
    entry: ["runtime/entries/daprd.ts"],
    // What both programs load, whatever they are asked for.
    begin: ["runtime/entries/dapr.ts", "runtime/entries/daprd-main.ts"],
    sidecar: [
      "runtime/sidecar/start.ts",
      "runtime/components/nameresolution/local.ts",
      "runtime/components/nameresolution/mdns.ts",
      "runtime/resources/kinds/component.ts",
    ],
  },
  options,
);
// One file that each test runner can load, whether it knows ES modules or not, on a Node that need not be the sidecar's.
await build({
  ...options,
  banner: {},
  format: "cjs",
  target: "node20",
  entryPoints: ["runtime/testing/start-sidecar.ts"],
  outfile: join(fresh, "testing.cjs"),
});
const templates = join(fresh, "templates");
buildTemplates(templates);
const ofPage = await buildDashboard(join(fresh, "dashboard"));
const installed = join(root, "node_modules");
writeFileSync(
  join(fresh, "THIRD-PARTY-LICENSES.txt"),
  licenses([
    ...packagesOfFiles([...Object.keys(metafile.inputs), ...ofPage]).map(
      (folder) => join(root, folder),
    ),
    ...templatePackages(templates, installed).map((name) =>
      join(installed, name),
    ),
  ]),
);
if (existsSync(dist)) renameSync(dist, old);
renameSync(fresh, dist);
rmSync(old, { recursive: true, force: true });
