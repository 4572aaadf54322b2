/** Makes the sidecar's command line. */
import { existsSync } from "node:fs";
import { allOptions } from "../../options/index.ts";
import type { Option } from "../../options/option.ts";
import { maxYamlBytes, readRegular } from "../../shared/files/read-regular.ts";
import { resourceFolders } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import type { RunFlags } from "./run-flags.ts";

/** The sidecar's command line: the options that it shares with `dapr run`, switches bare, empty values left out. */
export async function sidecarArgs(spec: AppSpec): Promise<string[]> {
  // The folder of the old flag goes here too: the user has been told of the new name already.
  const given = { ...spec, "resources-path": resourceFolders(spec) };
  const args = allOptions.flatMap(([name, option]) =>
    option.daprd && option.run && !option.run.deprecated
      ? argsOf(name, option, given[name as keyof RunFlags])
      : [],
  );
  if (spec["log-as-json"]) args.push("--log-as-json");
  if (await wantsMtls(spec.config))
    args.push("--enable-mtls", "--sentry-address", "localhost:50001");
  return args;
}

function argsOf(
  name: string,
  { pass }: Option,
  value: RunFlags[keyof RunFlags],
): string[] {
  if (typeof value === "boolean") return value ? [`--${name}`] : [];
  if (Array.isArray(value)) return value.flatMap((item) => [`--${name}`, item]);
  if (!pass && typeof value === "number" && value < 1) return [];
  const passed = pass ? pass(String(value)) : String(value);
  return passed === "" ? [] : [`--${name}`, passed];
}

/** Whether the configuration has `spec.mtls.enabled: true`. If the file is wrong, the sidecar will say why. */
async function wantsMtls(path: string): Promise<boolean> {
  if (path === "" || !existsSync(path)) return false;
  const { parseWithin } = await import("../../shared/yaml-document.ts");
  try {
    const document = parseWithin(readRegular(path, maxYamlBytes));
    return (
      document.errors.length === 0 &&
      document.getIn(["spec", "mtls", "enabled"]) === true
    );
  } catch {
    return false;
  }
}
