/** `dapr create` of the shipped CLI: what it makes is the tutorials' own, and runs at once, away from the kit. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { basename, dirname, join } from "node:path";
import { buildTemplates, tutorials } from "../../scripts/build-templates.ts";
import { freePorts } from "../support/ports.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { cli, npmRun } from "./cli-process.ts";

const root = join(__dirname, "../..");
const dir = tempFolder("dapr-create");

/** A build makes them; a tutorial may have changed since. */
beforeAll(() => buildTemplates(join(root, "dist", "templates")));

async function create(...args: string[]) {
  const run = cli(["create", ...args], { cwd: dir });
  return { code: await run.exit, out: run.out, err: run.err };
}

const templates = readdirSync(join(root, "tutorials"))
  .map(
    (name) =>
      Object.entries(tutorials).find(([, { folder }]) => folder === name)?.[0],
  )
  .filter((name) => name !== undefined);

/** A line of each that shows that a message has gone all the way. */
const arrived: Record<string, string> = {
  bindings: "== APP - nodeapp == { orderId: 1 }",
  state: "== APP - producerapp == Response for order 1: 200",
  pubsub: "== APP - second-subscriber == A:",
};

const cases = templates.flatMap((template) =>
  ["typescript", "javascript"].map((language) => [template, language] as const),
);

test.each(cases)("%s in %s runs at once", async (template, language) => {
  const name = `${template}-${language}`;
  const made = await create(name, "-t", template, "-l", language);
  const folder = join(dir, name);
  expect(made).toEqual({
    code: 0,
    out: `✅  Created ${folder}\nℹ️  Start its apps: cd ${name} && npm start\nℹ️  What is where: ${join(name, "README.md")}\n`,
    err: "",
  });
  const manifest = readFileSync(join(folder, "package.json"), "utf8");
  expect(JSON.parse(manifest)).toMatchObject({ name, type: "module" });
  expect(readFileSync(join(folder, "README.md"), "utf8")).toMatch(
    new RegExp(`^# ${name}\n`),
  );
  const ending = language === "javascript" ? ".ts" : ".js";
  const wrong = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => !/^(node_modules|vendor)/.test(file))
    .filter((file) => file.endsWith(ending));
  expect(wrong).toEqual([]);

  await movePorts(join(folder, "dapr.yaml"));
  const run = npmRun(["start"], folder);
  await run.prints(arrived[template]!);
  const stop = npmRun(["run", "stop"], folder);
  expect([await stop.exit, await run.exit, stop.err]).toEqual([0, 0, ""]);
  // All that the apps write is in the project.
  expect(existsSync(join(dir, ".dapr"))).toBe(false);
});

test.each(cases)(
  "%s in %s has what its apps use, and nothing that speaks of what is not there",
  async (template, language) => {
    const name = `${template}-${language}-files`;
    await create(name, "-t", template, "-l", language);
    const files = readdirSync(join(dir, name), {
      recursive: true,
      encoding: "utf8",
    })
      .map((file) => file.replaceAll("\\", "/"))
      .filter((file) => !/^(node_modules|vendor)/.test(file));
    const read = (file: string) => readFileSync(join(dir, name, file), "utf8");
    const written = files.filter((file) => /\.\w+$/.test(file));
    const names = new Set(files.map((file) => basename(file)));
    const named = written
      .map(read)
      .join("\n")
      .matchAll(/[\w-]+\.(?:ya?ml|[cm]?[jt]s|json|html|py)\b(?!\()/g);
    expect(
      [...named].map(([one]) => one).filter((one) => !names.has(one)),
    ).toEqual([]);
    const isComponent = (file: string) => /^components\/.*yaml$/.test(file);
    const components = written.filter(isComponent);
    const apps = written
      .filter((file) => /^(apps|nodeapp|producerapp)\//.test(file))
      .map(read)
      .join("\n");
    for (const file of components)
      expect(apps).toContain(basename(file, ".yaml"));
  },
);

test.each(templates)(
  "%s in TypeScript has the types of all that it uses",
  async (template) => {
    const name = `${template}-types`;
    await create(name, "-t", template);
    const { bin } = require("typescript/package.json") as {
      bin: { tsc: string };
    };
    const tsc = join(
      dirname(require.resolve("typescript/package.json")),
      bin.tsc,
    );
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, "-p", join(dir, name)],
      { encoding: "utf8" },
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  },
);

/** Other tests use the tutorials' ports at the same time. */
async function movePorts(file: string) {
  const text = readFileSync(file, "utf8");
  const ports = await freePorts([...text.matchAll(/Port: \d+/g)].length);
  writeFileSync(
    file,
    text.replace(/Port: \d+/g, () => `Port: ${ports.shift()}`),
  );
}

test("the files are the tutorials' own", async () => {
  await create("own");
  for (const file of [
    "nodeapp/app.ts",
    "nodeapp/orders.ts",
    "producerapp/app.ts",
    "producerapp/every-second.ts",
    "components/embedded/sample-topic.yaml",
  ])
    expect(readFileSync(join(dir, "own", file), "utf8")).toBe(
      readFileSync(join(root, file), "utf8"),
    );
  expect(
    readFileSync(join(dir, "own", "dapr.yaml"), "utf8").replace(/.*\n/, ""),
  ).toBe(
    readFileSync(join(root, "tutorials/bindings/dapr.yaml"), "utf8")
      .replace(/.*\n/, "")
      .replaceAll("../../", ""),
  );
});

test("a folder with something in it, a file, and a name that is none are refused; nothing is changed", async () => {
  mkdirSync(join(dir, "full"));
  writeFileSync(join(dir, "full", "mine"), "mine");
  writeFileSync(join(dir, "file"), "mine");
  mkdirSync(join(dir, "empty"));
  const before = readdirSync(dir);
  for (const [args, message] of [
    [["full"], `${join(dir, "full")} exists and is not empty: give another`],
    [["file"], `${join(dir, "file")} is a file: give another name`],
    [["My Shop"], `"My Shop" can't be the name of a package`],
    [["x", "-t", "nothing"], 'there is no template "nothing"; there are'],
    [["x", "-l", "cobol"], '--language "cobol" is not one of'],
  ] as const) {
    const { code, out, err } = await create(...args);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err.startsWith(`❌  ${message}`)).toBe(true);
  }
  expect((await create()).code).toBe(255);
  expect(readdirSync(dir)).toEqual(before);
  expect(readdirSync(join(dir, "full"))).toEqual(["mine"]);
  expect((await create("empty")).code).toBe(0);
});
