/** Makes dist/dashboard/, the page of `dapr dashboard`: its script and the packages it uses in one file, a style sheet, the document. */
import { build } from "esbuild";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const page = join(root, "runtime/cli/dashboard/page");

/** The folder need not be there. Resolves with the paths of all files that went into it, from the project's folder. */
export async function buildDashboard(folder: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    metafile: true,
    entryPoints: [
      { in: join(page, "main.ts"), out: "dashboard" },
      { in: join(page, "page.css"), out: "dashboard" },
    ],
    outdir: folder,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none", // THIRD-PARTY-LICENSES.txt has them
    logLevel: "warning",
  });
  copyFileSync(join(page, "index.html"), join(folder, "index.html"));
  return Object.keys(metafile.inputs);
}
