/** Checks what flags and run-file keys say before anything starts: paths, ports, sizes, names. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { allOptions } from "../../options/index.ts";
import type { Option } from "../../options/option.ts";
import { parseQuantity } from "../../shared/units.ts";
import { resourceFolders } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { CommandError } from "../command.ts";
import { ports } from "./port-names.ts";
import type { RunFlags } from "./run-flags.ts";

/** Throws with the original's words on what cannot be. `own`: the sidecar is this CLI's. */
export function checkSpec(spec: AppSpec, own: boolean): void {
  checkId(spec["app-id"]);
  checkWords(spec);
  checkPorts(spec);
  checkPaths(spec);
  checkSizes(spec, own);
}

/** The id is part of the names of log files and sockets. */
function checkId(appId: string) {
  if (/[/\\\p{Cc}]/u.test(appId))
    throw new CommandError(
      `invalid app ID ${JSON.stringify(appId)}: files are named by it; give --app-id (appID) a name without slashes and control characters`,
    );
}

/** The flag and the run file's key, as messages name them. */
const both = (name: string, { file }: Option) => `--${name} (${file?.key})`;

/** Empty texts are left out of the sidecar's command line, so they mean its defaults. */
function checkWords(spec: AppSpec) {
  for (const [name, option] of allOptions) {
    const { choices } = option;
    const word = spec[name as keyof RunFlags];
    if (!choices || word === "") continue;
    const { what, words, also = [] } = choices;
    if (![...words, ...also].includes(String(word).toLowerCase()))
      throw new CommandError(
        `invalid ${what} "${word}": give ${both(name, option)} one of ${words.join(", ")}`,
      );
  }
}

const highestPort = 65535;

function checkPorts(spec: AppSpec) {
  for (const { name, flag, key } of ports)
    if (spec[flag] > highestPort)
      throw new CommandError(
        `invalid configuration for ${name}. Port ${spec[flag]} is not a port: give --${flag} (${key}) a number from 1 to ${highestPort}`,
      );
}

function checkPaths(spec: AppSpec) {
  const paths = resourceFolders(spec);
  for (const path of paths)
    if (!existsSync(path))
      throw new CommandError(
        `error validating resources path ${list(paths)} : stat ${resolve(path)}: no such file or directory\n` +
          "    Name the folder of your component files with --resources-path, or create this one.",
      );
  // The default path is in the spec only when it exists, so this one was given.
  const { config } = spec;
  if (config !== "" && !existsSync(config))
    throw new CommandError(
      `error validating configuration file ${JSON.stringify(config)}: stat ${resolve(config)}: no such file or directory; give --config (-c) an existing file or leave it out, and write -- before a command with a -c of its own`,
    );
}

/** Paths as Go prints a list. */
export const list = (paths: readonly string[]): string =>
  `[${paths.map((path) => JSON.stringify(path)).join(" ")}]`;

function checkSizes(spec: AppSpec, own: boolean) {
  for (const [name, option] of allOptions) {
    const { size, run } = option;
    if (!size) continue;
    const text = String(spec[name as keyof RunFlags]);
    const why = whyNoSize(text, own);
    if (why)
      throw new CommandError(
        `invalid ${size}: ${why}: give ${both(name, option)} e.g. ${run?.default}`,
      );
  }
}

function whyNoSize(text: string, own: boolean): string | undefined {
  try {
    // The original's sidecar takes "not positive" for its default; ours has no such value.
    const isPositive = parseQuantity(text) > 0;
    return own && !isPositive ? `"${text}" is not more than 0` : undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
