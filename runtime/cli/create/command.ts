/** `dapr create NAME`: apps that call each other, their components and a run file, which run at once. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { about } from "../commands/about.ts";
import { CommandError, UsageError, command } from "../command.ts";
import { copyPackages } from "./copy-packages.ts";
import { ownFolder, linkOwnPackage, writeOwnPackage } from "./own-package.ts";
import { findKit, templateNames, type Kit } from "./templates.ts";

const languages = ["typescript", "javascript"];

export const create = command(
  "create",
  about.create,
  {
    template: {
      type: "string",
      short: "t",
      default: "bindings",
      choices: ["bindings", "state", "pubsub"],
      about: "What the apps do: bindings, state or pubsub",
    },
    language: {
      type: "string",
      short: "l",
      default: "typescript",
      choices: languages,
      about: "typescript or javascript",
    },
  },
  {
    usage: "NAME [flags]",
    takes: "folder",
    examples: `
# A producer and a consumer of orders, in TypeScript
dapr create shop
cd shop && npm start

# A service that keeps state, in JavaScript
dapr create shop --template state --language javascript
`,
    notes:
      "The files are those of the tutorials. Nothing is downloaded: the packages, and a copy of `dapr` itself, come from this CLI's own installation.",
  },
  async ({ flags, words, io }) => {
    if (words.length !== 1)
      throw new UsageError(
        "give one name: dapr create NAME makes a folder of that name",
      );
    const kit = findKit();
    const source = templateOf(kit, flags.template, flags.language);
    const folder = resolve(words[0]!);
    checkName(basename(folder));
    checkFolder(folder);
    const missing = await make(folder, source, kit);
    const short = relative(process.cwd(), folder) || ".";
    const shown = short.startsWith("..") ? folder : short;
    io.status("success", `Created ${folder}`);
    if (missing.length > 0)
      io.status(
        "warning",
        `Not installed beside this CLI: ${missing.join(", ")}. Run \`npm install\` in ${shown} first.`,
      );
    io.status(
      "info",
      `Start its apps: ${shown === "." ? "" : `cd ${quoted(shown)} && `}npm start`,
    );
    io.status("info", `What is where: ${join(shown, "README.md")}`);
    return 0;
  },
);

/** For a shell; most names need nothing. */
const quoted = (path: string) =>
  /[^\w./\\:~-]/.test(path) ? `"${path}"` : path;

function templateOf(kit: Kit, template: string, language: string): string {
  const names = templateNames(kit);
  if (!names.includes(template))
    throw new CommandError(
      `there is no template "${template}"; there are ${names.join(", ")}`,
    );
  if (!languages.includes(language))
    throw new CommandError(
      `--language "${language}" is not one of ${languages.join(", ")}`,
    );
  return join(kit.templates, template, language);
}

/** It is the package's name, too. */
function checkName(name: string) {
  if (!/^[a-z0-9][a-z0-9._-]{0,100}$/.test(name))
    throw new CommandError(
      `"${name}" can't be the name of a package: take lower-case letters, digits, ".", "_" and "-"`,
    );
}

/** What is there stays: only a folder that is empty may be filled. */
function checkFolder(folder: string) {
  if (!existsSync(folder)) return;
  let names;
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new CommandError(
      (error as NodeJS.ErrnoException).code === "ENOTDIR"
        ? `${folder} is a file: give another name`
        : `${folder} can't be read: ${(error as Error).message}`,
    );
  }
  if (names.length > 0)
    throw new CommandError(
      `${folder} exists and is not empty: give another name`,
    );
}

/** Makes it beside its place, so that nothing half done is there if this is interrupted. Resolves with packages that are missing. */
async function make(
  folder: string,
  source: string,
  kit: Kit,
): Promise<string[]> {
  const fresh = join(
    dirname(folder),
    `.${basename(folder)}.${process.pid}.new`,
  );
  try {
    await mkdir(dirname(folder), { recursive: true });
    await cp(source, fresh, { recursive: true });
    await rename(join(fresh, "gitignore"), join(fresh, ".gitignore"));
    for (const name of ["package.json", "README.md"])
      await fillIn(join(fresh, name), basename(folder));
    const missing = await copyPackages(fresh, kit.packages);
    writeOwnPackage(kit.root, join(fresh, ownFolder), false);
    linkOwnPackage(fresh, folder);
    if (existsSync(folder)) await rmdir(folder);
    await rename(fresh, folder);
    return missing;
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw new CommandError(
      `${folder} could not be made: ${(error as Error).message}`,
    );
  }
}

async function fillIn(file: string, name: string) {
  const text = readFileSync(file, "utf8");
  await writeFile(file, text.replaceAll("NAME", name));
}
