import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { specFromFlags } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { checkComponents, sayIfNoComponents } from "./check-components.ts";
import { checkSpec } from "./check-spec.ts";
import { CommandError, globalFlags } from "../command.ts";
import type { FlagValues } from "../command.ts";
import { createIo } from "../io.ts";
import { parseArgs } from "../parse.ts";
import { readRunFile } from "./run-file.ts";
import { runFlags } from "./run-flags.ts";

const home = mkdtempSync(join(tmpdir(), "dapr-check-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

type Values = FlagValues<typeof runFlags & typeof globalFlags>;

const spec = (...args: string[]): AppSpec => {
  const all = ["--resources-path", home, ...args];
  const { values } = parseArgs({ ...runFlags, ...globalFlags }, all, {});
  return specFromFlags(values as Values, "orders", home, []);
};

function refusal(check: () => void): string {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(CommandError);
    return (error as Error).message;
  }
  throw new Error("nothing was refused");
}

test.each([
  [["-H", "99999"], "invalid configuration for HTTPPort. Port 99999 is not a"],
  [["-G", "65536"], "invalid configuration for GRPCPort. Port 65536 is not a"],
  [["-M", "70000"], "--metrics-port (metricsPort) a number from 1 to 65535"],
  [["-I", "70000"], "invalid configuration for InternalGRPCPort. "],
  [["--profile-port", "70000"], "invalid configuration for ProfilePort. "],
  [["-p", "70000"], "invalid configuration for AppPort. "],
  [["-P", "smtp"], 'invalid app protocol "smtp": '],
  [["--log-level", "bogus"], 'invalid log level "bogus": '],
  [
    ["--config", "nope.yaml"],
    "/nope.yaml: no such file or directory; give --config",
  ],
  [["--max-body-size", "4MB"], 'invalid max request body size: "4MB" is not a'],
  [
    ["--max-body-size", "-5"],
    'invalid max request body size: "-5" is not more',
  ],
  [["--read-buffer-size", "-5"], 'invalid read buffer size: "-5" is not more'],
  [["--read-buffer-size", "x"], 'invalid read buffer size: "x" is not a size'],
])("%j is refused in one line", (args, message) => {
  const said = refusal(() => checkSpec(spec(...args), true));
  expect(said).toContain(message);
  expect(said).not.toContain("\n");
});

test.each([
  [[]],
  [["-H", "65535"]],
  [["-P", "H2C", "--log-level", "Warn"]],
  [["-P", "grpc", "--app-ssl", "--log-level", "panic"]],
  [["-P", "", "--log-level", ""]],
])("%j passes", (args) => {
  expect(() => checkSpec(spec(...args), true)).not.toThrow();
});

test("another sidecar may take a negative size for its default", () => {
  const negative = spec("--max-body-size", "-5");
  expect(() => checkSpec(negative, false)).not.toThrow();
});

test.each(["../x", "a/b", "a\\b", "a\nb"])(
  "the app ID %j, which would be in names of files, is refused",
  (appId) => {
    expect(
      refusal(() => checkSpec({ ...spec(), "app-id": appId }, true)),
    ).toContain(`invalid app ID ${JSON.stringify(appId)}: `);
  },
);

test("a missing default folder of components is no error but told, a given one is", () => {
  const given = spec();
  const bare = { ...given, "resources-path": [] };
  expect(() => checkSpec(bare, true)).not.toThrow();
  const said: string[] = [];
  const io = createIo({ json: false }, { write: (text) => said.push(text) });
  sayIfNoComponents(given, io);
  expect(said).toEqual([]);
  sayIfNoComponents(bare, io);
  expect(said).toEqual([
    expect.stringContaining(`there is no folder ${join(home, "components")}, `),
  ]);
  const missing = { ...bare, "components-path": join(home, "nope") };
  expect(refusal(() => checkSpec(missing, true))).toContain(
    "error validating resources path",
  );
});

test("a port of a run file is checked as a flag's is", async () => {
  const file = join(mkdtempSync(join(home, "run-")), "dapr.yaml");
  writeFileSync(
    file,
    "version: 1\napps: [{appDirPath: ., resourcesPath: ., daprHTTPPort: 99999}]",
  );
  const { apps } = await readRunFile(file, home, () => {});
  expect(refusal(() => checkSpec(apps[0]!.spec, true))).toContain(
    "invalid configuration for HTTPPort. Port 99999 is not a port: give --dapr-http-port (daprHTTPPort)",
  );
});

const component = (name: string, more = "") =>
  `apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: ${name}}\nspec: {type: bindings.cron, version: v1}\n${more}`;

function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(home, "res-"));
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(path, name), text);
  return path;
}

const checkFolders = (...folders: string[]) =>
  checkComponents({ ...spec(), "resources-path": folders });

test("two components of one name are refused, in one folder or in two", async () => {
  const one = folder({ "a.yaml": `${component("x")}---\n${component("x")}` });
  await expect(checkFolders(one)).rejects.toThrow(
    `error validating components in resources path ["${one}"] : duplicate definition of Component name x (bindings.cron/v1) with existing x`,
  );
  await expect(checkFolders(one)).rejects.toBeInstanceOf(CommandError);
  await expect(
    checkFolders(
      folder({ "a.yaml": component("x") }),
      folder({ "b.yml": component("x") }),
    ),
  ).rejects.toThrow("duplicate definition of");
});

test("other trouble is left to the sidecar", async () => {
  await checkFolders(
    folder({
      "a.yaml": `${component("x", "scopes: [other]\n")}---\n${component("x")}`,
      "bad.yaml": "kind: [Component",
      "notes.txt": "Component",
    }),
    join(home, "absent"),
  );
});
