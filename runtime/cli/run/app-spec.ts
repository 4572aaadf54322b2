/** How one app and its sidecar are to be run, whether flags or a run file say so. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { allOptions } from "../../options/index.ts";
import { defaultComponents, defaultConfig } from "../home.ts";
import type { SidecarAddress } from "../instances/sidecar-http.ts";
import type { RunFlags } from "./run-flags.ts";

/** The value of each option of `dapr run`. Ports are 0 or less until {@link assignPorts} has picked them. */
export interface AppSpec extends RunFlags {
  "log-as-json": boolean;
  /** `<dapr>/components`, for when no folder is given. */
  defaultComponents: string;
  /** Words to run; empty for a sidecar alone. */
  command: string[];
}

export function specFromFlags(
  flags: RunFlags & { "log-as-json": boolean },
  appId: string,
  home: string,
  command: string[],
): AppSpec {
  return {
    ...flags,
    "app-id": appId,
    "app-protocol": withTls(flags["app-protocol"], flags["app-ssl"]),
    config: flags.config || defaultConfig(home),
    "max-body-size":
      oldSize(flags["dapr-http-max-request-size"], "Mi") ||
      flags["max-body-size"],
    "read-buffer-size":
      oldSize(flags["dapr-http-read-buffer-size"], "Ki") ||
      flags["read-buffer-size"],
    // The whole path, so that `dapr list` finds the sockets from any folder.
    "unix-domain-socket":
      flags["unix-domain-socket"] && resolve(flags["unix-domain-socket"]),
    defaultComponents: defaultComponents(home),
    command,
  };
}

/** Lower case; `--app-ssl` makes http and grpc mean https and grpcs. */
export function withTls(protocol: string, tls: boolean): string {
  const lower = protocol.toLowerCase();
  return tls && (lower === "http" || lower === "grpc") ? `${lower}s` : lower;
}

/** A size in the unit that the old option had; empty if that was not given. */
export const oldSize = (value: number, unit: string): string =>
  value > 0 ? `${value}${unit}` : "";

/** The folders of component files; empty if none is given and the default one does not exist. */
export function resourceFolders(spec: AppSpec): string[] {
  if (spec["resources-path"].length > 0) return spec["resources-path"];
  if (spec["components-path"]) return [spec["components-path"]];
  return existsSync(spec.defaultComponents) ? [spec.defaultComponents] : [];
}

/** What the app finds in its environment. */
export const appEnv = (spec: AppSpec): Record<string, string> =>
  Object.fromEntries(
    allOptions.flatMap(([name, { appEnv }]) => {
      const value = spec[name as keyof RunFlags];
      const isGiven = typeof value !== "number" || value > 0;
      return appEnv && isGiven ? [[appEnv, String(value)]] : [];
    }),
  );

/** Path of a socket, when the sidecar serves on sockets. */
export function socketPath(
  spec: AppSpec,
  kind: "http" | "grpc",
): string | undefined {
  const folder = spec["unix-domain-socket"];
  return folder
    ? join(folder, `dapr-${spec["app-id"]}-${kind}.socket`)
    : undefined;
}

/** Where the sidecar's HTTP API is to be. */
export const addressOf = (spec: AppSpec): SidecarAddress => ({
  httpPort: spec["dapr-http-port"],
  socketPath: socketPath(spec, "http"),
});
