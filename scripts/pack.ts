/**
 * `npm run pack -- [FOLDER]`: makes the package that anybody can install, FOLDER/dapr-ts-VERSION.tgz (out/ if absent), and the
 * one of `npm create dapr-ts`, create-dapr-ts-VERSION.tgz; prints their paths. Each is the bundle with what starts it: nothing
 * is built or fetched where it is installed.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve, sep } from "node:path";
import {
  leaveOutMaps,
  writeOwnPackage,
} from "../runtime/cli/create/own-package.ts";
import { templatePackages } from "./build-templates.ts";
import { npm } from "./npm.ts";
import { fail, parseOptions } from "./options.ts";

const usage = `npm run pack -- [FOLDER]

  FOLDER   where the packages go (default out/)`;

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
  const creator = join(folder, "create-dapr-ts");
  const whole = join(creator, "dapr-ts");
  writePackage(whole);
  writeCreator(creator, whole);
  mkdirSync(target, { recursive: true });
  for (const made of [whole, creator]) console.log(await pack(made));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Returns the path of the file. */
async function pack(made: string): Promise<string> {
  const said = await npm(
    ["pack", made, "--pack-destination", target, "--ignore-scripts"],
    { stderr: "ignore" },
  );
  return join(target, said.trim().split("\n").at(-1) ?? "");
}

function writePackage(to: string): void {
  writeOwnPackage(root, to, true);
  cpSync(join(import.meta.dirname, "package-readme.md"), join(to, "README.md"));
  const installed = join(root, "node_modules");
  // Not in a folder node_modules, which npm leaves out.
  for (const name of templatePackages(join(to, "dist/templates"), installed))
    cpSync(join(installed, name), join(to, "dist/packages", name), {
      recursive: true,
      filter: (path) => isNeeded(relative(installed, path)),
    });
  leaveOutMaps(to);
}

/** `npm create X` runs the package `create-X`. It has all of `dapr-ts` in it, a copy of which goes into what it makes. */
function writeCreator(to: string, whole: string): void {
  const { version, license } = JSON.parse(
    readFileSync(join(whole, "package.json"), "utf8"),
  ) as { version: string; license: string };
  const manifest = {
    name: "create-dapr-ts",
    version,
    description: "Makes apps with Dapr-compatible sidecars, which run at once",
    license,
    type: "module",
    bin: { "create-dapr-ts": "create.js" },
    engines: { node: ">=24" },
  };
  const write = (name: string, text: string) =>
    writeFileSync(join(to, name), text);
  write("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  write(
    "create.js",
    `#!/usr/bin/env node
process.argv.splice(2, 0, "create");
await import("./dapr-ts/runtime/bin/dapr.js");
`,
  );
  write(
    "README.md",
    `# create-dapr-ts

\`npm create dapr-ts shop\` makes a folder \`shop\` with apps, their components and a run file, which run at once by \`npm start\`. It is \`dapr create\` of
[dapr-ts](dapr-ts/README.md), which is part of it. \`npm create dapr-ts -- --help\` lists the flags. It downloads nothing else.
`,
  );
  cpSync(join(whole, "LICENSE"), join(to, "LICENSE"));
}

/** Of a package of others: what runs, and its license; of one of types the types. */
function isNeeded(path: string): boolean {
  const isOfTypes = /^(@types|undici-types)([\\/]|$)/.test(path);
  const inside = path.split(sep).slice(path.startsWith("@") ? 2 : 1);
  const name = basename(path);
  return (
    !inside.some((part) =>
      /^(\..*|tests?|__tests__|node_modules)$/.test(part),
    ) &&
    !(isOfTypes ? /\.map$/ : /\.(map|[cm]?ts)$/).test(name) &&
    !(/\.md$/i.test(name) && !/^licen[cs]e/i.test(name))
  );
}
