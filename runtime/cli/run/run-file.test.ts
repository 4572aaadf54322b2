import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resourceFolders } from "./app-spec.ts";
import { readRunFile } from "./run-file.ts";

const dir = mkdtempSync(join(tmpdir(), "dapr-run-file-"));
for (const path of [
  "one",
  "two/.dapr/resources",
  "common",
  "own",
  "one/res",
  "rt/.dapr/components",
])
  mkdirSync(join(dir, path), { recursive: true });
writeFileSync(join(dir, "two/.dapr/config.yaml"), "");
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = join(dir, "dapr.yaml");

async function read(text: string) {
  writeFileSync(file, text);
  const warnings: string[] = [];
  const read = await readRunFile(file, "", (line) => warnings.push(line));
  return { ...read, warnings };
}

const firstOf = async (text: string) => (await read(text)).apps[0]!;

test("defaults: ID from the folder, protocol, sizes, log destinations", async () => {
  const { name, apps } = await read(
    "version: 1\ncommon: {resourcesPath: common}\napps: [{appDirPath: one}]",
  );
  expect(name).toMatch(/^dapr-run-file-/);
  expect(apps[0]).toMatchObject({
    dir: join(dir, "one"),
    env: {},
    appLog: "fileAndConsole",
    sidecarLog: "file",
    spec: {
      "app-id": "one",
      "app-port": -1,
      "app-protocol": "http",
      "app-channel-address": "",
      "max-body-size": "4Mi",
      "read-buffer-size": "4Ki",
      "log-level": "info",
      "placement-host-address": "localhost",
      "scheduler-host-address": "localhost",
      "profile-port": -1,
      command: [],
    },
  });
});

test("the app's values win, zero and empty ones take the common value, env merges", async () => {
  const { spec, env, appLog } = await firstOf(`
version: 1
common:
  resourcesPaths: [common]
  logLevel: debug
  appMaxConcurrency: 5
  enableApiLogging: true
  placementHostAddress: ""
  appLogDestination: console
  env: {A: common, B: 2, C: true}
apps:
  - appDirPath: one
    logLevel: warn
    appMaxConcurrency: 0
    enableApiLogging: false
    env: {A: own}
`);
  expect(spec).toMatchObject({
    "log-level": "warn",
    "app-max-concurrency": 5,
    "enable-api-logging": true,
    "placement-host-address": "",
  });
  expect(env).toEqual({ A: "own", B: "2", C: "true" });
  expect(appLog).toBe("console");
});

test.each([
  [
    "the app's own, relative to its folder",
    "{appDirPath: one, resourcesPaths: [res], resourcesPath: ../own}",
    ["one/res", "own"],
  ],
  ["its .dapr/resources", "{appDirPath: two}", ["two/.dapr/resources"]],
  ["the common ones, relative to the file", "{appDirPath: one}", ["common"]],
])("resources: %s", async (_, app, expected) => {
  const { spec } = await firstOf(
    `version: 1\ncommon: {resourcesPaths: [common]}\napps: [${app}]`,
  );
  expect(spec["resources-path"]).toEqual(
    expected.map((path) => join(dir, path)),
  );
});

test("resources and configuration of <dapr>, and of the app's .dapr folder", async () => {
  const { spec } = await firstOf(
    "version: 1\napps: [{appDirPath: one, runtimePath: ../rt}]",
  );
  expect(resourceFolders(spec)).toEqual([join(dir, "rt/.dapr/components")]);
  expect(spec.config).toBe("");
  const two = await firstOf("version: 1\napps: [{appDirPath: two}]");
  expect(two.spec.config).toBe(join(dir, "two/.dapr/config.yaml"));
});

test.each([
  [
    "apps: []",
    `required field 'version' not found in the provided run template file (${file}:1:1)`,
  ],
  [
    "name: x\nversoin: 1\n",
    `run template file; did you mean 'version' where it says 'versoin'? (${file}:2:1)`,
  ],
  ["name: x\nversion: 0", `run template file (${file}:2:1)`],
  ["text", `run template file (${file}:1:1)`],
  [
    "version: 1\napps:\n  - appID: x\n    appDirpath: .",
    `app config file; did you mean 'appDirPath' where it says 'appDirpath'? (${file}:4:5)`,
  ],
  [
    "version: 1\napps: [{appID: x}]",
    `required field 'appDirPath' not found in the provided app config file (${file}:2:8)`,
  ],
  [
    "version: 1\napps: [{appDirPath: nope}]",
    `error in getting the file info for ${join(dir, "nope")}: stat ${join(dir, "nope")}: no such file or directory (${file}:2:9)`,
  ],
  [
    "version: 1\ncommon:\n  resourcesPaths:\n    - common\n    - nope\napps: [{appDirPath: one}]",
    `no such file or directory (${file}:5:7)`,
  ],
  [
    "version: 1\ncommon:\n  configFilePath: nope\napps: [{appDirPath: one}]",
    `no such file or directory (${file}:3:3)`,
  ],
  [
    "version: 1\napps: [{appDirPath: one, appLogDestination: foo}]",
    `invalid log destination type: foo: give appLogDestination one of console, file, fileAndConsole (${file}:2:26)`,
  ],
  [
    "version: 1\ncommon: {daprdLogDestination: foo}\napps: [{appDirPath: one}]",
    `give daprdLogDestination one of console, file, fileAndConsole (${file}:2:10)`,
  ],
  [
    "version: 1\napps: [{appDirPath: one, appPort: abc}]",
    `'apps[0].appPort' is "abc" in the provided run template file, not a whole number (${file}:2:26)`,
  ],
  ["version: 1\ncommon:\n  env:\n    A: [1]", `not a text (${file}:4:8)`],
  ["version: 1\napps:\n  a: 1", `template file (${file}:`],
  [
    "version: 1\napps: [{appDirPath: one, command: node app.js}]",
    `'apps[0].command' is "node app.js" in the provided run template file, not a list`,
  ],
  [
    "version: 1\napps: [{appDirPath: one}, {appDirPath: two, appID: one}]",
    `two apps have the ID "one", apps[0] and apps[1]: give each its own 'appID' (${file}:2:45)`,
  ],
  ["version: 1\napps: [", `${file}:2:8: Flow sequence`],
  ["version: 1\napps:\n\t- x", `${file}:3:1: Tabs are not allowed`],
  ["version: *nothing", `${file}: `],
])("%j is an error", async (text, message) => {
  await expect(read(text)).rejects.toThrow(message);
});

test("unknown keys pass, and are told with place, app and what may be meant", async () => {
  const { apps, warnings } = await read(`version: 1
Common: {}
logLevel: debug
common:
  env: {any: thing}
  appPort: 3000
  x-own: 1
apps:
  - appDirPath: one
    app_protocol: http
    newer: {}
  - appID: shop
    appDirPath: two
    appId: x
    comand: [node]
    <<: {appPort: 1}
`);
  expect(apps.map(({ spec }) => spec["app-port"])).toEqual([-1, 1]);
  expect(warnings).toEqual([
    `${file}:2:1: unknown key "Common" in the run file: it is ignored; did you mean "common"?`,
    `${file}:3:1: unknown key "logLevel" in the run file: it is ignored; it belongs in an app of \`apps\` or \`common\``,
    `${file}:6:3: unknown key "appPort" in \`common\`: it is ignored; it belongs in an app of \`apps\``,
    `${file}:7:3: unknown key "x-own" in \`common\`: it is ignored`,
    `${file}:10:5: unknown key "app_protocol" in app "one": it is ignored; did you mean "appProtocol"?`,
    `${file}:11:5: unknown key "newer" in app "one": it is ignored`,
    `${file}:14:5: unknown key "appId" in app "shop": it is ignored; did you mean "appID"?`,
    `${file}:15:5: unknown key "comand" in app "shop": it is ignored; did you mean "command"?`,
  ]);
});

test("unknown keys are told also where something else is wrong", async () => {
  writeFileSync(file, "versoin: 1\ncomon: {}\n");
  const warnings: string[] = [];
  await expect(
    readRunFile(file, "", (line) => warnings.push(line)),
  ).rejects.toThrow("required field 'version'");
  expect(warnings).toEqual([
    `${file}:1:1: unknown key "versoin" in the run file: it is ignored; did you mean "version"?`,
    `${file}:2:1: unknown key "comon" in the run file: it is ignored; did you mean "common"?`,
  ]);
});

test.each([
  ["---\nversion: 1\napps: [{appDirPath: one}]\n---\n# no more\n...\n", []],
  [
    "version: 1\napps: [{appDirPath: one}]\n---\nversion: 1\napps: [{appDirPath: two}]\n",
    [3],
  ],
  ["version: 1\napps: [{appDirPath: one}]\n...\n---\napps: []\n---\n", [4]],
  ["version: 1\napps: [{appDirPath: one}]\n--- {apps: []}\n", [3]],
])(
  "a second document is told, not left out in silence: %j",
  async (text, lines) => {
    const { apps, warnings } = await read(text);
    expect(apps).toHaveLength(1);
    expect(warnings).toEqual(
      lines.map(
        (line) =>
          `${file}:${line}:1: a second document in the run file: it is ignored; write its apps into \`apps\` of the first`,
      ),
    );
  },
);

test("no key of the tables is unknown", async () => {
  const { warnings } = await read(
    "version: 1\nname: x\ncommon: {resourcesPath: common, env: {A: 1}}\napps: [{appDirPath: one, appID: x, command: []}]",
  );
  expect(warnings).toEqual([]);
});

test("a run file that is no file, or takes too long to read, is refused by name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "run-file-odd-"));
  try {
    await expect(readRunFile(folder, "", () => {})).rejects.toThrow(
      `${folder} can't be read: it is a folder, not a file`,
    );
    const file = join(folder, "dapr.yaml");
    writeFileSync(file, `version: 1\nx: [${"[],".repeat(100_000)}]\n`);
    await expect(readRunFile(file, "", () => {})).rejects.toThrow(
      /dapr\.yaml:2:\d+: more than 100000 words, signs and lines$/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
