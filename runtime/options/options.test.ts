/** The table against its readers. They are loaded late: the first test adds an entry before them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FlagValues } from "./flag.ts";
import { allOptions } from "./index.ts";
import type { Option } from "./option.ts";
import { text } from "./sidecar-flag.ts";

/** All that is written for a new option. */
const moonPhase: Option = {
  run: {
    type: "string",
    short: "m",
    default: "full",
    about: "How much moon there is",
  },
  file: { key: "moonPhase", common: true },
  daprd: text("Part of the moon that is lit", "full"),
  pod: { as: "text" },
  appEnv: "MOON_PHASE",
  choices: { what: "moon phase", words: ["full", "new"] },
};
allOptions.push(["moon-phase", moonPhase]);

const home = mkdtempSync(join(tmpdir(), "dapr-options-"));
mkdirSync(join(home, ".dapr/components"), { recursive: true });
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function load() {
  const { globalFlags } = await import("../cli/command.ts");
  const { parseArgs } = await import("../cli/parse.ts");
  const { runFlags } = await import("../cli/run/run-flags.ts");
  const { readRunFile } = await import("../cli/run/run-file.ts");
  const { appEnv, specFromFlags } = await import("../cli/run/app-spec.ts");
  const { sidecarArgs } = await import("../cli/run/sidecar-args.ts");
  const { checkSpec } = await import("../cli/run/check-spec.ts");
  const { parseFlags, help } = await import("../sidecar/flags.ts");
  const table = { ...runFlags, ...globalFlags };
  const specOf = (args: string[]) => {
    const { values } = parseArgs(table, args, {});
    const given = values as FlagValues<typeof table>;
    return specFromFlags(given, "orders", join(home, ".dapr"), []);
  };
  const fileOf = async (keys: object, common: object = {}) => {
    const file = join(home, "dapr.yaml");
    const apps = [{ appDirPath: ".", appID: "orders", ...keys }];
    writeFileSync(file, JSON.stringify({ version: 1, common, apps }));
    const warnings: string[] = [];
    const read = await readRunFile(file, home, (line) => warnings.push(line));
    return { ...read, warnings };
  };
  return { specOf, fileOf, appEnv, sidecarArgs, checkSpec, parseFlags, help };
}

describe("one entry in the table is enough for a new option:", () => {
  test("flag, help, misspelt flag", async () => {
    const { specOf } = await load();
    expect(specOf([])).toMatchObject({ "moon-phase": "full" });
    expect(specOf(["-m", "new"])).toMatchObject({ "moon-phase": "new" });
    expect(() => specOf(["--moon-phse", "new"])).toThrow(
      "unknown flag: --moon-phse\n\nDid you mean --moon-phase?",
    );
    const { run } = await import("../cli/commands/run.ts");
    const { commandHelp } = await import("../cli/usage.ts");
    expect(commandHelp(run)).toMatch(
      /^ {2}-m, --moon-phase string +How much moon there is \(default "full"\)$/m,
    );
  });

  test("run file, misspelt key, common value", async () => {
    const { fileOf } = await load();
    const { apps, warnings } = await fileOf(
      { moonphase: "new" },
      { moonPhase: "new" },
    );
    expect(apps[0]!.spec).toMatchObject({ "moon-phase": "new" });
    expect(warnings).toEqual([
      expect.stringMatching(
        /dapr\.yaml:1:\d+: unknown key "moonphase" in app "orders": it is ignored; did you mean "moonPhase"\?$/,
      ),
    ]);
  });

  test("check, sidecar, app's environment", async () => {
    const { specOf, sidecarArgs, appEnv, checkSpec, parseFlags, help } =
      await load();
    const spec = specOf(["-m", "new"]);
    expect(() => checkSpec(specOf(["-m", "blue"]), true)).toThrow(
      'invalid moon phase "blue": give --moon-phase (moonPhase) one of full, new',
    );
    const args = await sidecarArgs(spec);
    expect(args.join(" ")).toContain("--moon-phase new");
    expect(parseFlags(args).flags).toMatchObject({ "moon-phase": "new" });
    expect(appEnv(spec)).toMatchObject({ MOON_PHASE: "new" });
    expect(help()).toContain("Part of the moon that is lit (default full)");
  });

  test("annotation", async () => {
    const { readAnnotations } = await import("../kubernetes/annotations.ts");
    const { knownAnnotations } =
      await import("../kubernetes/known-annotations.ts");
    const { sidecarArgs } =
      await import("../kubernetes/injector/sidecar-args.ts");
    const { readInjectorConfig } =
      await import("../kubernetes/injector/config.ts");
    const args = sidecarArgs(
      readAnnotations({ annotations: { "dapr.io/moon-phase": "new" } }),
      "orders",
      readInjectorConfig({ SIDECAR_IMAGE: "kit/dapr:1" }),
      { trustAnchors: "", mtls: false },
    );
    expect(args.join(" ")).toContain("--moon-phase new");
    expect(knownAnnotations).toContain("moon-phase");
  });
});

/** A value of the flag that the sidecar takes, too. */
function example([name, { run, port, size, choices }]: [string, Option]) {
  if (port) return 41_000;
  if (size) return "8Mi";
  if (choices) return choices.words[1]!;
  if (name === "config") return join(home, "dapr.yaml");
  return { string: home, int: 7, bool: true, list: [home] }[run!.type];
}

const handedOn = allOptions.filter(
  ([, { run, daprd }]) => run && daprd && !run.deprecated,
);

test.each(handedOn)("--%s reaches the sidecar", async (name, option) => {
  const { specOf, fileOf, sidecarArgs, parseFlags } = await load();
  const value = example([name, option]);
  const byFlag = await sidecarArgs(
    specOf(value === true ? [`--${name}`] : [`--${name}=${value}`]),
  );
  const { given } = parseFlags(byFlag);
  expect(given).toContain(name);
  if (!option.file || name === "app-id") return;
  const [app] = (await fileOf({ [option.file.key]: value })).apps;
  const byKey = await sidecarArgs(app!.spec);
  expect(byKey).toEqual(byFlag);
  if (!option.file.common) return;
  const [other] = (await fileOf({}, { [option.file.key]: value })).apps;
  expect(await sidecarArgs(other!.spec)).toEqual(byFlag);
});

test("names, letters, keys, annotations and variables are each of one option", () => {
  const all = (pick: (option: Option, name: string) => unknown) =>
    allOptions
      .map(([name, option]) => pick(option, name))
      .filter((one) => one !== undefined);
  for (const names of [
    all((_, name) => name),
    all(({ run }) => run?.short),
    all(({ file }) => file?.key),
    all(({ pod }, name) => pod && (pod.name ?? name)),
    all(({ appEnv }) => appEnv),
  ])
    expect(names).toEqual([...new Set(names)]);
});

test("the options that an entry names are there", () => {
  const named = allOptions.flatMap(([, { run, port, pod }]) =>
    [run?.aliasOf, port?.with, pod?.with].filter((one) => one !== undefined),
  );
  const names = allOptions.map(([name]) => name);
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !names.includes(name))).toEqual([]);
});

test("words that `dapr run` takes are the sidecar's", () => {
  const { daprd, choices } = new Map(allOptions).get("app-protocol")!;
  for (const word of choices!.words)
    expect(() => daprd!.parse(word)).not.toThrow();
});

test("flags of `dapr annotate` are known annotations, of the same type", async () => {
  const { annotations, renamed } =
    await import("../cli/kubernetes/annotate.ts");
  const { knownAnnotations } =
    await import("../kubernetes/known-annotations.ts");
  const types = {
    text: "string",
    number: "int",
    port: "int",
    switch: "bool",
    stated: "bool",
    "by hand": "string",
  };
  const byAnnotation = new Map(
    allOptions.map(([name, { pod }]) => [pod?.name ?? name, pod]),
  );
  for (const [flag, { type }] of Object.entries(annotations)) {
    const name = renamed[flag] ?? flag;
    expect(knownAnnotations).toContain(name);
    const pod = byAnnotation.get(name);
    if (pod) expect([name, type]).toEqual([name, types[pod.as]]);
  }
});
