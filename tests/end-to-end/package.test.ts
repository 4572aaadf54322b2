/** The package of `npm run pack`: what is in it, and that each command works where nothing else is installed. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { npm } from "../../scripts/npm.ts";
import { installPackage, type Project } from "../support/installed-package.ts";

const root = join(__dirname, "..", "..");
let project: Project;
beforeAll(async () => {
  project = await installPackage();
});

const files = () =>
  readdirSync(project.installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      relative(project.installed, join(parentPath, name)).replaceAll("\\", "/"),
    );
const read = (file: string) =>
  readFileSync(join(project.installed, file), "utf8");

test("it is below 3 MB, installs alone and brings no script", () => {
  expect(statSync(project.tarball).size).toBeLessThan(3e6);
  const installed = readdirSync(join(project.dir, "node_modules"));
  expect(installed.filter((name) => !name.startsWith("."))).toEqual([
    "dapr-ts",
  ]);
  const manifest = JSON.parse(read("package.json")) as object;
  const forbidden = /dependencies|scripts|private|workspaces/i;
  expect(Object.keys(manifest).filter((key) => forbidden.test(key))).toEqual(
    [],
  );
  expect(manifest).toMatchObject({ engines: { node: ">=24" } });
});

test("it has the bundle and what starts it, and no sources, tests or maps", () => {
  const wanted =
    /^(package\.json|README\.md|LICENSE|dist\/[\w-]+\.c?js|dist\/THIRD-PARTY-LICENSES\.txt|dist\/dashboard\/(index\.html|dashboard\.(js|css))|dist\/chunks\/[\w.-]+\.js|dist\/templates\/.+|dist\/packages\/.+|runtime\/bin\/(dapr|daprd|launch)\.js|runtime\/bin\/installed\.cjs|runtime\/testing\/index\.(cjs|d\.cts))$/;
  // A template is an app that its user goes on with, and may be TypeScript.
  const unwanted =
    /\.map$|\.test\.|(^|\/)(tests?|__tests__|node_modules|\.[^/]*)(\/|$)|^(?!dist\/templates\/|dist\/packages\/(@types|undici-types)\/|runtime\/testing\/).*\.[cm]?ts$/;
  expect(files().filter((file) => !wanted.test(file))).toEqual([]);
  expect(files().filter((file) => unwanted.test(file))).toEqual([]);
});

test("no file tells of the machine that packed it, or names a source map", () => {
  const places = [root, homedir(), tmpdir()].map((path) => `${path}${sep}`);
  // Their comments have examples of both.
  const types = "dist/packages/@types/";
  const told = files().filter((file) => !file.startsWith(types));
  const found = told.flatMap((file) =>
    [...places, "sourceMappingURL="]
      .filter((text) => read(file).includes(text))
      .map((text) => `${file}: ${text}`),
  );
  expect(found).toEqual([]);
});

test("the licenses of all packages in it are told", () => {
  const text = read("dist/THIRD-PARTY-LICENSES.txt");
  const { dependencies } = JSON.parse(
    readFileSync(join(root, "runtime", "package.json"), "utf8"),
  ) as { dependencies: Record<string, string> };
  const named = (name: string) => text.includes(`\n${name} `);
  const home = join(project.installed, "dist", "packages");
  const packages = readdirSync(home).flatMap((name) =>
    name.startsWith("@")
      ? readdirSync(join(home, name)).map((one) => `${name}/${one}`)
      : name,
  );
  expect(packages).toContain("express");
  expect(
    [...Object.keys(dependencies), ...packages].filter((name) => !named(name)),
  ).toEqual([]);
  expect(text).toContain("Permission is hereby granted, free of charge");
});

test("an app of three lines runs beside a sidecar, by npx", async () => {
  writeFileSync(
    join(project.dir, "app.mjs"),
    `const url = "http://localhost:" + process.env.DAPR_HTTP_PORT + "/v1.0/metadata";
const answer = await fetch(url);
console.log("my sidecar is that of", (await answer.json()).id);
`,
  );
  const args = ["dapr", "run", "--app-id", "three-lines", "--"];
  const out = await npm(["exec", "--", ...args, "node", "app.mjs"], {
    cwd: project.dir,
    env: { ...process.env, DAPR_RUNTIME_PATH: project.dir },
  });
  expect(out).toContain("== APP == my sidecar is that of three-lines\n");
  expect(out).toContain("✅  Exited App successfully");
});

test.each([
  [["--help"], 0, "doctor"],
  [["--version"], 0, "Runtime version: "],
  [["version", "-o", "json"], 0, '"Cli version"'],
  [["build-info"], 0, "Git Commit"],
  [["completion", "bash"], 0, "complete -F _dapr dapr"],
  [["init"], 0, "statestore"],
  [["components"], 0, "statestore"],
  [["configurations"], 0, "NAME"],
  [["list"], 0, ""],
  [["doctor"], 0, "Node"],
  [["stop", "--app-id", "nobody"], 0, "couldn't find app id nobody"],
  [["invoke", "-a", "nobody", "-m", "x"], 1, "nobody"],
  [["publish", "-i", "nobody", "-p", "pubsub", "-t", "x"], 1, "nobody"],
  [["logs", "-a", "nobody"], 1, "nobody"],
  [["init", "-k", "--dry-run"], 0, "kind: CustomResourceDefinition"],
  [["create", "shop"], 0, "Created"],
  [["uninstall", "--all"], 0, "removed"],
] as const)("dapr %j works there", async (args, code, text) => {
  const { out, err, ...ran } = await project.dapr(...args);
  expect({ code: ran.code, said: out + err }).toEqual({
    code,
    said: expect.stringContaining(text) as string,
  });
});

test.each(["bindings", "state", "pubsub"])(
  "what `dapr create` makes of the template %s has its packages and its .gitignore",
  async (template) => {
    const name = `my-${template}`;
    const { code, out } = await project.dapr("create", name, "-t", template);
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.not.stringContaining("Not installed") as string,
    });
    const made = join(project.dir, name);
    expect(existsSync(join(made, ".gitignore"))).toBe(true);
    expect(readdirSync(made)).not.toContain("gitignore");
    const { dependencies = {} } = JSON.parse(
      readFileSync(join(made, "package.json"), "utf8"),
    ) as { dependencies?: Record<string, string> };
    const names = JSON.stringify(Object.keys(dependencies));
    const loaded = await project.node([
      "-e",
      `for (const name of ${names}) require(require.resolve(name, { paths: [${JSON.stringify(made)}] }));`,
    ]);
    expect(loaded).toEqual({ code: 0, out: "", err: "" });
  },
);

/** The documented ways, in an empty folder, without a network. */
test("`npm exec` of the package's file, and `npm create` where it is installed, make a project", async () => {
  const { creator } = project;
  expect(statSync(creator).size).toBeLessThan(3e6);
  const dir = join(project.dir, "..", "creating");
  mkdirSync(dir);
  const exec = ["exec", "--yes", `--package=${creator}`, "--"];
  await project.npm([...exec, "create-dapr-ts", "shop"], dir);
  expect(readdirSync(dir)).toEqual(["shop"]);
  await project.npm(["install", "--no-audit", "--no-fund", creator], dir);
  await project.npm(["create", "dapr-ts", "store", "--", "-t", "state"], dir);
  const manifest = readFileSync(
    join(dir, "node_modules", "create-dapr-ts", "package.json"),
    "utf8",
  );
  expect(Object.keys(JSON.parse(manifest) as object)).not.toContain("scripts");
  expect(readdirSync(join(dir, "store"))).toContain("vendor");
});

test("a project has all that its package.json names, after `npm install`, too, and its `dapr` is its own", async () => {
  const made = join(project.dir, "..", "whole");
  const exec = ["exec", "--yes", `--package=${project.creator}`, "--"];
  await project.npm([...exec, "create-dapr-ts", made]);
  const listed = async () =>
    JSON.parse(await project.npm(["ls", "--json"], made)) as {
      dependencies: object;
      problems?: string[];
    };
  const before = await listed();
  expect(before.problems).toBeUndefined();
  expect(Object.keys(before.dependencies).sort()).toEqual([
    "@types/express",
    "@types/node",
    "dapr-ts",
    "express",
    "isomorphic-fetch",
  ]);
  await project.npm(["install", "--no-audit", "--no-fund"], made);
  expect(await listed()).toEqual(before);
  expect(
    await project.npm(["exec", "--", "dapr", "--version"], made),
  ).toContain("Runtime version: ");
});
