/** `dapr init` and `uninstall` on this machine, of the shipped CLI. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parse } from "yaml";
import { daprVersion } from "../../runtime/shared/version.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { cli, workspace } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

/** Each test has a home of its own; there is no Docker on this PATH. */
function machine() {
  const root = tempFolder("dapr-init");
  const home = join(root, ".dapr");
  const env = { DAPR_RUNTIME_PATH: root, PATH: tempFolder("no-docker") };
  const dapr = async (...args: string[]) => {
    const run = cli(args, { cwd: dir, env });
    const code = await run.exit;
    return { code, out: run.out, err: run.err };
  };
  return { home, env, dapr };
}

type Component = { spec: { type: string; metadata: { value: string }[] } };
const component = (home: string, name: string) =>
  parse(
    readFileSync(join(home, "components", `${name}.yaml`), "utf8"),
  ) as Component;

test("init makes components, a Configuration and daprd, and says so in the original's words", async () => {
  const { home, dapr } = machine();
  const { code, out, err } = await dapr("init");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out.split("\n")).toEqual([
    "⌛  Making the jump to hyperspace...",
    `ℹ️  Installing runtime version ${daprVersion}`,
    "✅  Setting up components...",
    ...["components/statestore.yaml", "components/pubsub.yaml", "config.yaml"]
      .map((file) => join(home, file))
      .map((path) => `ℹ️  Created ${path}`),
    "✅  Completed components set up. Nothing was downloaded.",
    `ℹ️  daprd binary has been installed to ${join(home, "bin")}.`,
    "✅  Success! Dapr is up and running. To get started, go here: https://docs.dapr.io/getting-started",
    "",
  ]);
  expect(component(home, "statestore").spec.type).toBe("state.sqlite");
  expect(component(home, "pubsub").spec.type).toBe("pubsub.sqlite");
  const daprd = join(home, "bin", "daprd");
  expect(
    spawnSync(daprd, ["--version"], { encoding: "utf8" }).stdout.trim(),
  ).toBe(daprVersion);
});

test("an app that names no folder has the components of init", async () => {
  const { home, env, dapr } = machine();
  await dapr("init");
  const run = cli(["run", "--app-id", `init-${process.pid}`], {
    cwd: dir,
    env,
  });
  await run.prints("Component loaded: statestore (state.sqlite/v1)");
  await run.prints("Component loaded: pubsub (pubsub.sqlite/v1)");
  await run.prints("You're up and running!");
  run.signal("SIGTERM");
  expect(await run.exit).toBe(0);
  expect(readdirSync(join(home, "data"))).toEqual(
    expect.arrayContaining(["pubsub.db", "state.db"]),
  );
  expect(run.out + run.err).not.toMatch(/level=(error|fatal)/);
  expect(existsSync(join(dir, ".dapr"))).toBe(false);
});

test("init again changes nothing, mends what is missing, and leaves what the user has changed", async () => {
  const { home, dapr } = machine();
  await dapr("init");
  const statestore = join(home, "components", "statestore.yaml");
  const pubsub = join(home, "components", "pubsub.yaml");
  const written = readFileSync(pubsub, "utf8");
  writeFileSync(statestore, "# mine\n");
  rmSync(pubsub);
  const { code, out } = await dapr("init");
  expect(code).toBe(0);
  expect(out).toContain(`${statestore} exists already and stays as it is`);
  expect(out).toContain(`Created ${pubsub}`);
  expect(readFileSync(statestore, "utf8")).toBe("# mine\n");
  expect(readFileSync(pubsub, "utf8")).toBe(written);
  expect(readdirSync(join(home, "components")).sort()).toEqual([
    "pubsub.yaml",
    "statestore.yaml",
  ]);
});

test("init after one that was killed leaves no half-written file", async () => {
  const { home, dapr } = machine();
  const components = join(home, "components");
  mkdirSync(components, { recursive: true });
  const half = join(components, ".new-00000000-0000-0000-0000-000000000000");
  writeFileSync(half, "apiVer");
  utimesSync(half, 1, 1);
  expect((await dapr("init")).code).toBe(0);
  expect(readdirSync(components).sort()).toEqual([
    "pubsub.yaml",
    "statestore.yaml",
  ]);
});

test("init leaves a daprd of somebody else alone, and mends a link to a kit that has moved", async () => {
  const { home, dapr } = machine();
  const daprd = join(home, "bin", "daprd");
  mkdirSync(join(home, "bin"), { recursive: true });
  writeFileSync(daprd, "another program");
  expect((await dapr("init")).out).toContain(
    `⚠  ${daprd} is another program's and stays.`,
  );
  expect(readFileSync(daprd, "utf8")).toBe("another program");
  rmSync(daprd);
  symlinkSync("/moved/runtime/bin/daprd.js", daprd);
  expect((await dapr("init")).code).toBe(0);
  expect(existsSync(daprd)).toBe(true);
});

test("init --slim makes no components", async () => {
  const { home, dapr } = machine();
  expect((await dapr("init", "-s")).code).toBe(0);
  expect(readdirSync(join(home, "components"))).toEqual([]);
  expect(parse(readFileSync(join(home, "config.yaml"), "utf8"))).toMatchObject({
    kind: "Configuration",
    spec: {},
  });
});

test("init names the flags that have no effect", async () => {
  const { dapr } = machine();
  const { code, out } = await dapr(
    "init",
    "--runtime-version",
    "1.14.4",
    "--from-dir",
    "x",
    "--wait",
  );
  expect(code).toBe(0);
  expect(out).toContain("⚠  Without effect without -k: --wait\n");
  expect(out).toContain("--from-dir, --runtime-version\n");
});

test.each([
  [
    ["--redis"],
    "could not connect to docker. docker may not be installed or running",
  ],
  [
    ["--zipkin", "--container-runtime", "podman"],
    "could not connect to podman. podman may not be installed or running",
  ],
  [
    ["--container-runtime", "lxc"],
    "Invalid container runtime. Supported values are docker and podman.",
  ],
  [["--slim", "--redis"], "--slim is without containers"],
])("init %j fails, and makes nothing", async (args, message) => {
  const { home, dapr } = machine();
  const { code, err } = await dapr("init", ...args);
  expect(code).toBe(1);
  expect(err.startsWith(`❌  ${message}`)).toBe(true);
  expect(existsSync(home)).toBe(false);
});

test("init says which file could not be made", async () => {
  const { home, dapr } = machine();
  writeFileSync(home, "a file in the way");
  const { code, err } = await dapr("init");
  expect(code).toBe(1);
  expect(err).toMatch(new RegExp(`^❌ {2}error setting up ${home}: .+\n$`));
});

test("uninstall removes daprd, with --all the folder, and says what is not there", async () => {
  const { home, dapr } = machine();
  await dapr("init");
  const bin = join(home, "bin");
  const plain = await dapr("uninstall");
  expect(plain).toMatchObject({ code: 0, err: "" });
  expect(plain.out).toContain("ℹ️  Removing Dapr from your machine...\n");
  expect(plain.out).toContain(`ℹ️  Removing directory: ${bin}\n`);
  expect(plain.out).toContain("✅  Dapr has been removed successfully\n");
  expect(readdirSync(home).sort()).toEqual(["components", "config.yaml"]);
  const all = await dapr("uninstall", "--all");
  expect(all.out).toContain(`⚠  WARNING: ${bin} does not exist\n`);
  expect(all.out).toContain(
    "⚠  WARNING: docker does not answer, so no container was looked for\n",
  );
  expect(all.out).toContain(`ℹ️  Removing directory: ${home}\n`);
  expect(existsSync(home)).toBe(false);
  const none = await dapr("uninstall", "--all");
  expect(none.code).toBe(0);
  expect(none.out).toContain(`⚠  WARNING: ${home} does not exist\n`);
});

test("uninstall leaves other programs in bin", async () => {
  const { home, dapr } = machine();
  await dapr("init");
  writeFileSync(join(home, "bin", "dashboard"), "another program");
  const { out } = await dapr("uninstall");
  expect(out).toContain("as other programs are in it: dashboard.");
  expect(readdirSync(join(home, "bin"))).toEqual(["dashboard"]);
});

test("components and configurations list what init made, as a table and for programs, without values", async () => {
  const { home, dapr } = machine();
  expect(await dapr("components")).toMatchObject({
    code: 1,
    err: `❌  there is no folder ${join(home, "components")}: \`dapr init\` makes it, or name another with --resources-path\n`,
  });
  await dapr("init");
  const table = await dapr("components");
  expect(table.out.split("\n")[0]).toMatch(/^NAME +TYPE +VERSION +FILE$/);
  expect(table.out).toMatch(/^statestore +state\.sqlite +v1 +.+:7:9$/m);
  const json = JSON.parse((await dapr("components", "-o", "json")).out);
  expect(json[1]).toMatchObject({
    name: "statestore",
    spec: {
      type: "state.sqlite",
      metadata: [{ name: "connectionString" }, { name: "actorStateStore" }],
    },
  });
  const yaml = await dapr("components", "-n", "pubsub", "-o", "yaml");
  expect(parse(yaml.out)).toMatchObject([{ name: "pubsub" }]);
  expect(yaml.out).not.toContain("pubsub.db");
  const configurations = await dapr("configurations");
  expect(configurations.out).toMatch(
    /^NAME +TRACING-ENABLED +METRICS-ENABLED +FILE\ndaprConfig +false +true +.+config\.yaml:2:1\n$/,
  );
  expect(await dapr("components", "-o", "xml")).toMatchObject({
    code: 1,
    err: "❌  An invalid output format was specified.\n",
  });
});

test("components of a folder: what is wrong in a file is told on stderr, with its line", async () => {
  const { dapr } = machine();
  const folder = tempFolder("dapr-components");
  writeFileSync(
    join(folder, "a.yaml"),
    "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: a\nspec:\n  typ: state.redis\n",
  );
  writeFileSync(
    join(folder, "b.yaml"),
    "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: b}\nspec: {type: state.redis, version: v1}\nscopes: [one, two]\n",
  );
  const { code, out, err } = await dapr(
    "components",
    "--resources-path",
    folder,
  );
  expect(code).toBe(0);
  expect(out).toMatch(/^b +state\.redis +v1 +one,two/m);
  expect(err).toContain(`${join(folder, "a.yaml")}:6:3`);
});
