import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { tempFolder } from "../tests/support/temp-folder.ts";

const root = join(__dirname, "..");

interface Manifest {
  workspaces?: string[];
  scripts?: Record<string, string>;
  dependencies?: object;
  devDependencies?: object;
}
const manifest = (path: string) =>
  JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest;
const manifests = [
  "package.json",
  ...manifest("package.json").workspaces!.map(
    (folder) => `${folder}/package.json`,
  ),
];

/** A clone without `npm install`. */
function clone(): string {
  const copy = tempFolder("run");
  for (const path of [...manifests, "scripts/run.cjs", "runtime/bin"])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  return copy;
}

/** What `npm install --ignore-scripts` installs: every package, but no Node. */
function install(copy: string): void {
  for (const path of manifests) {
    const { dependencies, devDependencies } = manifest(path);
    for (const name of Object.keys({ ...dependencies, ...devDependencies }))
      mkdirSync(join(copy, "node_modules", name), { recursive: true });
  }
}

const run = (copy: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
};

/** The message of installed.cjs, which the programs use too. */
const missing = (copy: string, version: string) =>
  run(
    copy,
    "-p",
    `require("./runtime/bin/installed.cjs").whatIsMissing(process.cwd(), "${version}")`,
  ).stdout.trim();

const commands = manifests.flatMap((path) =>
  Object.entries(manifest(path).scripts ?? {}),
);

// The apps' own start scripts (`node app.ts`) are as people write them.
test.each(commands.filter(([, command]) => command !== "node app.ts"))(
  "npm run %s starts what an old Node can read",
  (_, command) => {
    const [, launcher, file] = command.split(" ");
    expect(launcher).toMatch(/^(\.\.\/)?scripts\/run\.cjs$/);
    if (!file!.startsWith("tests/node_modules/"))
      expect(existsSync(join(root, file!))).toBe(true);
  },
);

test.each([
  ["scripts/run.cjs", "scripts/demo.ts"],
  ["runtime/bin/dapr.js", "version"],
  ["runtime/bin/daprd.js", "--version"],
])("without npm install, %s says what to type in one line", (...args) => {
  const copy = clone();
  // With this file the copy is a project, whose programs build a missing bundle. In an image there is nothing to build.
  writeFileSync(join(copy, "scripts", "build.ts"), "");
  expect(run(copy, ...args)).toEqual({
    status: 1,
    stdout: "",
    stderr: `The packages of this project are not installed (node and others): type \`npm install\` in ${copy} first.\n`,
  });
});

test("without install scripts, Node before 24 is told how to get one; a later one is enough", () => {
  const copy = clone();
  install(copy);
  expect(missing(copy, "16.20.2")).toBe(
    `This is Node 16.20.2; Node 24 is needed, and npm did not run the install script that brings it (ignore-scripts): type \`npm rebuild node --ignore-scripts=false\` in ${copy}.`,
  );
  expect(missing(copy, "24.0.0")).toBe("undefined");
  expect(missing(copy, "26.10.0")).toBe("undefined");
  mkdirSync(join(copy, "node_modules/node/bin"));
  writeFileSync(join(copy, "node_modules/node/bin/node"), "");
  expect(missing(copy, "16.20.2")).toBe("undefined");
});

test("it runs the file in the project's folder, with its options and exit code", () => {
  const copy = clone();
  install(copy);
  writeFileSync(
    join(copy, "scripts", "x.ts"),
    "console.log(JSON.stringify([process.cwd(), ...process.argv.slice(1)])); const code: number = 3; process.exitCode = code;",
  );
  const { status, stdout } = run(
    join(copy, "nodeapp"),
    "../scripts/run.cjs",
    "scripts/x.ts",
    "--a",
    "b c",
  );
  expect(status).toBe(3);
  expect(JSON.parse(stdout)).toEqual([
    copy,
    join(copy, "scripts", "x.ts"),
    "--a",
    "b c",
  ]);
});

test("when the test tools are not installed yet, the error says what installs them", () => {
  const copy = clone();
  install(copy);
  expect(run(copy, "scripts/run.cjs", "tests/node_modules/a/b.cjs")).toEqual({
    status: 1,
    stdout: "",
    stderr:
      "The test tools, b.cjs among them, are not installed yet: type `npm run lint`, which installs them.\n",
  });
});
