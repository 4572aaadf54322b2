/** Checks what flags and run-file keys say before anything starts: paths, ports, sizes, names. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseLevel } from "../../shared/log.ts";
import { parseQuantity } from "../../shared/units.ts";
import { resourceFolders } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { CommandError } from "../command.ts";
import { appPort, sidecarPorts } from "./port-names.ts";

/** Throws with the original's words on what cannot be. `own`: the sidecar is this CLI's. */
export function checkSpec(spec: AppSpec, own: boolean): void {
  if (spec.unixDomainSocket && own)
    throw new CommandError(
      "Unix domain sockets are not available yet with this CLI's own sidecar. Leave --unix-domain-socket (unixDomainSocket) out to use ports, or name another sidecar by DAPR_DAPRD_PATH.",
    );
  checkId(spec.appId);
  checkWords(spec);
  checkPorts(spec);
  checkPaths(spec);
  checkSize("max request body size", spec.maxBodySize, own, [
    "--max-body-size (maxBodySize)",
    "4Mi",
  ]);
  checkSize("read buffer size", spec.readBufferSize, own, [
    "--read-buffer-size (readBufferSize)",
    "4Ki",
  ]);
}

/** The id is part of the names of log files and sockets. */
function checkId(appId: string) {
  if (/[/\\\p{Cc}]/u.test(appId))
    throw new CommandError(
      `invalid app ID ${JSON.stringify(appId)}: files are named by it; give --app-id (appID) a name without slashes and control characters`,
    );
}

const protocols = ["http", "https", "grpc", "grpcs", "h2c"];

/** Empty texts are left out of the sidecar's command line, so they mean its defaults. */
function checkWords({ appProtocol, logLevel }: AppSpec) {
  if (appProtocol !== "" && !protocols.includes(appProtocol))
    throw new CommandError(
      `invalid app protocol "${appProtocol}": give --app-protocol (appProtocol) one of ${protocols.join(", ")}`,
    );
  try {
    if (logLevel !== "") parseLevel(logLevel);
  } catch {
    throw new CommandError(
      `invalid log level "${logLevel}": give --log-level (logLevel) one of debug, info, warn, error, fatal, panic`,
    );
  }
}

const highestPort = 65535;

function checkPorts(spec: AppSpec) {
  for (const { name, of, flag, key } of [...sidecarPorts, appPort])
    if (spec[of] > highestPort)
      throw new CommandError(
        `invalid configuration for ${name}. Port ${spec[of]} is not a port: give --${flag} (${key}) a number from 1 to ${highestPort}`,
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
  if (spec.configFile !== "" && !existsSync(spec.configFile))
    throw new CommandError(
      `error validating configuration file ${JSON.stringify(spec.configFile)}: stat ${resolve(spec.configFile)}: no such file or directory; give --config (-c) an existing file or leave it out, and write -- before a command with a -c of its own`,
    );
}

/** Paths as Go prints a list. */
export const list = (paths: readonly string[]): string =>
  `[${paths.map((path) => JSON.stringify(path)).join(" ")}]`;

function checkSize(
  what: string,
  text: string,
  own: boolean,
  [given, example]: [string, string],
) {
  const invalid = (why: string) =>
    new CommandError(`invalid ${what}: ${why}: give ${given} e.g. ${example}`);
  let bytes;
  try {
    bytes = parseQuantity(text);
  } catch (error) {
    throw invalid((error as Error).message);
  }
  // The original's sidecar takes "not positive" for its default; ours has no such value.
  if (own && bytes <= 0) throw invalid(`"${text}" is not more than 0`);
}
