/** The shipped `dapr run -f`, `dapr stop -f` and `dapr list`. */
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { waitFor } from "../wait-for.ts";
import { cli, freePort, gone, workspace } from "./cli-process.ts";
import type { CliRun } from "./cli-process.ts";

const { dir, remove } = workspace();
afterAll(remove);

const id = (name: string) => `cli-file-${process.pid}-${name}`;
const [one, two] = [id("one"), id("two")];

/** Writes a run file with two apps. `second` are more lines of the second app. */
async function runFile(name: string, second: string[]): Promise<string> {
  const path = join(dir, name);
  const text = `version: 1
name: pair
common:
  resourcesPaths: [./resources]
  env:
    SHARED: common
    NUMBER: 7
apps:
  - appID: ${one}
    appDirPath: .
    appPort: ${await freePort()}
    env: { SHARED: own }
    command: ["${process.execPath}", app.js]
  - appID: ${two}
    appDirPath: .
${second.map((line) => `    ${line}\n`).join("")}`;
  writeFileSync(path, text);
  return path;
}

interface Listed {
  appId: string;
  httpPort: number;
  command: string;
  daprdPid: number;
  cliPid: number;
  appPid: number;
  runTemplatePath: string;
  runTemplateName: string;
  appLogPath: string;
  daprdLogPath: string;
}

/** What `dapr list` shows of this test's apps. */
async function listed(): Promise<Listed[]> {
  const run = cli(["list", "-o", "json"]);
  expect(await run.exit).toBe(0);
  const all = JSON.parse(run.out) as Listed[];
  return all.filter(({ appId }) => appId === one || appId === two);
}

const pidsOf = (apps: Listed[]) =>
  apps.flatMap((app) => [app.daprdPid, app.appPid, app.cliPid]);

const httpPort = (run: CliRun, app: string) =>
  Number(
    new RegExp(
      `Started Dapr with app id "${app}"\\. HTTP Port: (\\d+)\\.`,
    ).exec(run.out)![1],
  );

const startedLine = (app: string) =>
  `ℹ️  Started Dapr with app id "${app}". HTTP Port: `;
const serve = `command: ["${process.execPath}", app.js]`;

test("both apps run, are listed, and end with `dapr stop -f`", async () => {
  const path = await runFile("dapr.yaml", [serve]);
  const run = cli(["run", "-f", "."], { cwd: dir });
  await run.prints(startedLine(two));
  await run.prints(`== APP - ${two} == a line on stderr`);
  await run.prints(`== APP - ${one} == a line on stderr`);
  const order = [
    `ℹ️  Validating config and starting app "${one}"\n`,
    startedLine(one),
    `ℹ️  Writing log files to directory : ${join(dir, ".dapr", "logs")}\n`,
    `ℹ️  Validating config and starting app "${two}"\n`,
    startedLine(two),
  ].map((text) => run.out.indexOf(text));
  expect(order).not.toContain(-1);
  expect(order).toEqual([...order].sort((a, b) => a - b));

  const env = JSON.parse(
    new RegExp(`== APP - ${one} == app env (.*)`).exec(run.out)![1]!,
  ) as Record<string, string>;
  expect(env).toMatchObject({
    APP_ID: one,
    SHARED: "own",
    NUMBER: "7",
    APP_CHANNEL_ADDRESS: "",
    DAPR_HTTP_PORT: String(httpPort(run, one)),
  });

  const apps = await listed();
  expect(apps).toMatchObject([
    {
      appId: one,
      httpPort: httpPort(run, one),
      command: `${process.execPath} app.js`,
    },
    { appId: two, httpPort: httpPort(run, two) },
  ]);
  for (const app of apps) {
    expect(app).toMatchObject({
      cliPid: run.pid,
      runTemplatePath: path,
      runTemplateName: "pair",
    });
    expect(app.appLogPath).toMatch(
      new RegExp(`/${app.appId}_app_\\d{14}\\.log$`),
    );
    expect(app.daprdLogPath).toMatch(
      new RegExp(`/${app.appId}_daprd_\\d{14}\\.log$`),
    );
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect([mode(app.appLogPath), mode(app.daprdLogPath)]).toEqual([
      0o600, 0o600,
    ]);
    expect(mode(dirname(app.appLogPath))).toBe(0o700);
  }

  const stop = cli(["stop", "-f", "dapr.yaml"], { cwd: dir });
  expect(await stop.exit).toBe(0);
  expect(stop.out).toBe("✅  Dapr and app processes stopped successfully\n");
  expect(await run.exit).toBe(0);
  expect(run.err).toBe("");
  await gone(pidsOf(apps));

  const [app] = apps;
  const appLog = readFileSync(app!.appLogPath, "utf8");
  expect(appLog).toContain(`== APP - ${one} == a line on stderr\n`);
  expect(appLog).toContain(`== APP - ${one} == Exited App successfully\n`);
  const sidecarLog = readFileSync(app!.daprdLogPath, "utf8");
  for (const line of [
    `\nDapr sidecar is up and running.\n`,
    `\nUpdating metadata for cliPID: ${run.pid}\n`,
    `\nYou're up and running! Dapr logs will appear here.\n\n`,
    `\n\ntermination signal received: shutting down\n`,
    `\nExited Dapr successfully\n`,
  ])
    expect(`\n${sidecarLog}`).toContain(line);
});

test("the later death of an app or sidecar is reported with its reason and does not end the run", async () => {
  await runFile("later.yaml", [
    `command: ["${process.execPath}", app.js, exit, "4"]`,
  ]);
  const run = cli(["run", "-f", "later.yaml"], { cwd: dir });
  await run.prints(
    `== APP - ${two} == The App process exited with error code: exit status 4\n`,
  );
  await run.prints(startedLine(two));
  const apps = await waitFor("two listed apps", async () => {
    const found = await listed();
    return found.length === 2 ? found : undefined;
  });
  process.kill(apps[0]!.daprdPid, "SIGKILL");
  await run.prints(
    `❌  the daprd process of app "${one}" exited: signal: killed. Its log says why: `,
  );
  run.signal("SIGINT");
  expect(await run.exit).toBe(0);
  expect(run.out).toContain(
    "\n\nℹ️  Received signal to stop Dapr and app processes. Shutting down Dapr and app processes.\n",
  );
  await gone(pidsOf(apps).filter((pid) => pid > 0));
});

test("an app that cannot start ends those before it, with exit code 1", async () => {
  await runFile("empty-command.yaml", ['command: [""]']);
  const run = cli(["run", "-f", "empty-command.yaml"], { cwd: dir });
  expect(await run.exit).toBe(1);
  expect(run.err).toBe(
    `❌  Error starting Dapr and app ("${two}"): exec: no command\n`,
  );
  expect(run.out).toContain(`== APP - ${one} == Exited App successfully\n`);
  expect(await listed()).toEqual([]);
});

test("the error about a sidecar that cannot start names it and its log, with exit code 1", async () => {
  await runFile("bad-address.yaml", [
    serve,
    "apiListenAddresses: 203.0.113.1", // an address that nobody has (RFC 5737)
  ]);
  const run = cli(["run", "-f", "bad-address.yaml"], { cwd: dir });
  expect(await run.exit).toBe(1);
  expect(run.err).toMatch(
    new RegExp(
      `^❌  Error starting Dapr and app \\("${two}"\\): the daprd process of app "${two}" exited: exit status \\d+\\. Its log says why: \\S+\n$`,
    ),
  );
  const log = /why: (\S+)/.exec(run.err)![1]!;
  expect(readFileSync(log, "utf8")).toContain("203.0.113.1");
  expect(await listed()).toEqual([]);
});

test("a missing command is an error of the shell", async () => {
  await runFile("missing.yaml", ["command: [nosuchbin]"]);
  const run = cli(["run", "-f", "missing.yaml"], { cwd: dir });
  await run.prints(
    `== APP - ${two} == The App process exited with error code: exit status 127\n`,
  );
  expect(run.out).toMatch(
    new RegExp(`== APP - ${two} == sh: .*nosuchbin: not found\n`),
  );
  await run.prints(startedLine(two));
  run.signal("SIGTERM");
  expect(await run.exit).toBe(0);
});

test("with all log destinations on the console there are no files", async () => {
  const before = readdirSync(join(dir, ".dapr", "logs")).length;
  const path = await runFile("console.yaml", [serve]);
  const text = readFileSync(path, "utf8");
  writeFileSync(
    path,
    text.replace(
      "common:",
      "common:\n  appLogDestination: console\n  daprdLogDestination: console",
    ),
  );
  const run = cli(["run", "-f", "console.yaml"], { cwd: dir });
  await run.prints(startedLine(two));
  run.signal("SIGINT");
  expect(await run.exit).toBe(0);
  expect(run.out).toContain(`level=info msg="app id: ${one}"`);
  expect(run.out).toContain(
    "✅  You're up and running! Dapr logs will appear here.\n\n",
  );
  expect(run.out).toContain("✅  Exited Dapr successfully\n");
  expect(run.out).not.toContain("Writing log files");
  expect(readdirSync(join(dir, ".dapr", "logs")).length).toBe(before);
});

test("when the CLI is killed, both apps and both sidecars end", async () => {
  await runFile("killed.yaml", [serve]);
  const run = cli(["run", "-f", "killed.yaml"], { cwd: dir });
  await run.prints(startedLine(two));
  const apps = await listed();
  expect(apps.length).toBe(2);
  run.signal("SIGKILL");
  expect(await run.exit).toBe("SIGKILL");
  await gone(pidsOf(apps));
});

test.each([
  [
    "nope.yaml",
    "❌  Failed to get run file path: error getting file info for nope.yaml: stat " +
      `${join(dir, "nope.yaml")}: no such file or directory\n`,
  ],
  [
    "resources",
    '❌  Failed to get run file path: error in validating the file path "',
  ],
  [
    "app.js",
    '❌  Failed to get run file path: file "app.js" is not a YAML file\n',
  ],
])(
  "an argument that is no run file, %s, is an error",
  async (argument, message) => {
    const run = cli(["run", "-f", argument], { cwd: dir });
    expect(await run.exit).toBe(1);
    expect(run.err.startsWith(message)).toBe(true);
  },
);

test("an app ID that would put log files elsewhere is refused before any is created", async () => {
  const app = `{appID: ../../../x/y, appDirPath: ., resourcesPath: resources, command: [sleep, "9"]}`;
  writeFileSync(join(dir, "id.yaml"), `version: 1\napps: [${app}]\n`);
  mkdirSync(join(dir, "x"));
  const run = cli(["run", "-f", "id.yaml"], { cwd: dir });
  expect(await run.exit).toBe(1);
  expect(run.err).toContain(
    `❌  Error validating run config for app "../../../x/y" present in ${join(dir, "id.yaml")}: invalid app ID "../../../x/y": `,
  );
  expect(readdirSync(join(dir, "x"))).toEqual([]);
});

test("when two apps have one port, the error names the second, and nothing starts", async () => {
  const port = await freePort();
  const path = await runFile("twice.yaml", [`daprHTTPPort: ${port}`]);
  const text = readFileSync(path, "utf8");
  writeFileSync(
    path,
    text.replace("    env: {", `    daprHTTPPort: ${port}\n    env: {`),
  );
  const run = cli(["run", "-f", "twice.yaml"], { cwd: dir });
  expect(await run.exit).toBe(1);
  expect(run.err).toContain(
    `❌  Error validating run config for app "${two}" present in ${path}: invalid configuration for HTTPPort. Port ${port} is not available\n    It is the daprHTTPPort of app "${one}": give another daprHTTPPort, `,
  );
  expect(run.out).not.toContain("Validating config");
});

test("the error about wrong YAML names its place", async () => {
  writeFileSync(join(dir, "tab.yaml"), "version: 1\napps:\n\t- x\n");
  const run = cli(["run", "-f", "tab.yaml"], { cwd: dir });
  expect(await run.exit).toBe(1);
  expect(run.out).toContain(
    `Error getting apps from config file: ${join(dir, "tab.yaml")}:3:1: Tabs are not allowed`,
  );
});

test("a missing components folder counts as empty, and the output says so", async () => {
  const app = `{appID: ${one}, appDirPath: .}`;
  writeFileSync(join(dir, "bare.yaml"), `version: 1\napps: [${app}]\n`);
  const run = cli(["run", "-f", "bare.yaml", "--runtime-path", dir], {
    cwd: dir,
  });
  await run.prints(startedLine(one));
  expect(run.out).toContain(
    `ℹ️  App "${one}" has no components: there is no folder ${join(dir, ".dapr", "components")}, `,
  );
  run.signal("SIGINT");
  expect(await run.exit).toBe(0);
});

test("unknown keys, and an app that does not listen, are warnings", async () => {
  const port = await freePort();
  const path = await runFile("slips.yaml", [
    serve,
    `appPort: ${port}`,
    "app_protocol: http",
    'env: {APP_PORT: ""}',
  ]);
  const run = cli(["run", "-f", "slips.yaml"], { cwd: dir });
  await run.prints(
    `⚠  App "${two}" does not listen on port ${port} yet, after 5 s: it has to listen on the port in its environment's APP_PORT, `,
  );
  expect(run.out).toContain(
    `⚠  ${path}:18:5: unknown key "app_protocol" in app "${two}": it is ignored; did you mean "appProtocol"?\n`,
  );
  expect(run.out).not.toContain(`App "${one}" does not listen`);
  run.signal("SIGTERM");
  expect(await run.exit).toBe(0);
});

test("a warning names the flags that are ignored beside -f", async () => {
  writeFileSync(join(dir, "none.yaml"), "version: 1\n");
  const run = cli(
    ["run", "-f", "none.yaml", "--log-level", "debug", "-a", "x"],
    { cwd: dir },
  );
  expect(await run.exit).toBe(1);
  expect(run.out).toBe(
    "⚠  The following flags are ignored when using --run-file and should be configured in the run file instead: app-id, log-level\n❌  No apps to run\n",
  );
});

test("what is wrong with a run file is a failure on stdout, after its unknown keys, and JSON if asked for", async () => {
  const path = join(dir, "wrong.yaml");
  writeFileSync(path, "versoin: 1\ncomon: {}\n");
  const run = cli(["run", "-f", path], { cwd: dir });
  expect(await run.exit).toBe(1);
  expect(run.err).toBe("");
  expect(run.out).toBe(
    `⚠  ${path}:1:1: unknown key "versoin" in the run file: it is ignored; did you mean "version"?\n` +
      `⚠  ${path}:2:1: unknown key "comon" in the run file: it is ignored; did you mean "common"?\n` +
      `❌  Error getting apps from config file: required field 'version' not found in the provided run template file; did you mean 'version' where it says 'versoin'? (${path}:1:1)\n`,
  );
  const json = cli(["run", "-f", path, "--log-as-json"], { cwd: dir });
  expect(await json.exit).toBe(1);
  const events = json.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { status: string; msg: string });
  expect(events.map(({ status }) => status)).toEqual([
    "warning",
    "warning",
    "failure",
  ]);
  expect(events[2]!.msg).toMatch(/^Error getting apps from config file: /);
});
