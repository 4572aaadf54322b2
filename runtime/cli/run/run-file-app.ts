/** One app of a run file: its keys, else the common ones, else defaults; which of its paths are there. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { unset } from "../../options/flag.ts";
import { allOptions } from "../../options/index.ts";
import { oldSize, withTls } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { daprHome, defaultComponents, defaultConfig } from "../home.ts";
import { KeyError } from "./run-file-keys.ts";
import type { AppKeys, SharedKeys } from "./run-file-keys.ts";
import { slipOf, type Level } from "./run-file-slips.ts";
import type { RunFlags } from "./run-flags.ts";

const destinations = ["console", "file", "fileAndConsole"] as const;
export type Destination = (typeof destinations)[number];

export interface RunApp {
  spec: AppSpec;
  dir: string;
  /** From the file's `env`; beats what the run sets. */
  env: Record<string, string>;
  appLog: Destination;
  sidecarLog: Destination;
  /** How it runs in a cluster. */
  container: Container;
}

export interface Container {
  /** Empty if the file names none. */
  image: string;
  pullPolicy: string;
  /** A Service that leads to the app's port from outside the cluster. */
  createService: boolean;
}

/** A required key that is not in its map, `given`, whose whole name is `where`. */
export function missing(
  name: string,
  given: object,
  level: Level,
  where: string,
  what: string,
): KeyError {
  const keys = Object.keys(given);
  const written = keys.includes(name) ? name : slipOf(name, keys, level);
  return new KeyError(
    [where, written].filter(Boolean).join("."),
    `required field '${name}' not found in the provided ${what}${written && written !== name ? `; did you mean '${name}' where it says '${written}'?` : ""}`,
  );
}

/** `key`: its whole name, `apps[1]`; `given`: all that is written in it. Throws a {@link KeyError}. */
export function readApp(
  app: AppKeys,
  given: object,
  key: string,
  common: SharedKeys,
  base: string,
  runtimePath: string,
): RunApp {
  if (!app.appDirPath)
    throw missing("appDirPath", given, "app", key, "app config file");
  const dir = mustExist(app.appDirPath, base, `${key}.appDirPath`);
  const own = (name: "runtimePath" | "configFilePath") =>
    app[name] ? mustExist(app[name], dir, `${key}.${name}`) : "";
  const shared = (name: "runtimePath" | "configFilePath") =>
    common[name] ? mustExist(common[name], base, `common.${name}`) : "";
  const home = daprHome(
    runtimePath || own("runtimePath") || shared("runtimePath"),
  );
  const options = readOptions(app, common);
  const inApp = (...path: string[]) => {
    const found = join(dir, ".dapr", ...path);
    return existsSync(found) ? [found] : [];
  };
  const resources = [
    existing(app, dir, key),
    inApp("resources"),
    existing(common, base, "common"),
  ].find((paths) => paths.length > 0);
  const spec: AppSpec = {
    ...options,
    "log-as-json": false,
    "app-id": options["app-id"] || basename(dir),
    "app-protocol": withTls(options["app-protocol"], options["app-ssl"]),
    config:
      own("configFilePath") ||
      inApp("config.yaml")[0] ||
      shared("configFilePath") ||
      defaultConfig(home),
    "resources-path": resources ?? [],
    "max-body-size":
      app.maxBodySize ||
      common.maxBodySize ||
      oldSize(options["dapr-http-max-request-size"], "Mi") ||
      options["max-body-size"],
    "read-buffer-size":
      app.readBufferSize ||
      common.readBufferSize ||
      oldSize(options["dapr-http-read-buffer-size"], "Ki") ||
      options["read-buffer-size"],
    "unix-domain-socket":
      options["unix-domain-socket"] &&
      resolve(dir, options["unix-domain-socket"]),
    defaultComponents: defaultComponents(home),
    command: app.command ?? [],
  };
  const destination = (
    name: "appLogDestination" | "daprdLogDestination",
    otherwise: Destination,
  ): Destination => {
    const text = app[name] || common[name] || otherwise;
    const known = destinations.find((one) => one === text);
    if (known) return known;
    throw new KeyError(
      `${app[name] ? key : "common"}.${name}`,
      `invalid log destination type: ${text}: give ${name} one of ${destinations.join(", ")}`,
    );
  };
  return {
    spec,
    dir,
    env: { ...common.env, ...app.env },
    appLog: destination("appLogDestination", "fileAndConsole"),
    sidecarLog: destination("daprdLogDestination", "file"),
    container: {
      image: app.containerImage ?? "",
      pullPolicy: app.containerImagePullPolicy || "Always",
      createService: app.createService ?? false,
    },
  };
}

/** Each option: the app's value, else the common one, else its default. Zero, false and empty values take the next one. */
function readOptions(app: AppKeys, common: SharedKeys): RunFlags {
  const values = allOptions.flatMap(([name, { run, file }]) => {
    if (!run || run.aliasOf) return [];
    const given = [app, common]
      .map((keys) => file && keys[file.key as keyof SharedKeys])
      .find((value) =>
        file?.emptyCounts ? value !== undefined : !isEmpty(value),
      );
    return [[name, given ?? file?.default ?? unset(run)]];
  });
  return Object.fromEntries(values) as RunFlags;
}

/** The folders of resources that these keys name, whose map's whole name is `where`. `resourcesPath` is deprecated, and appended to the list. */
function existing(keys: SharedKeys, base: string, where: string): string[] {
  const { resourcesPaths = [], resourcesPath } = keys;
  const found = resourcesPaths.map((path, at) =>
    mustExist(path, base, `${where}.resourcesPaths[${at}]`),
  );
  if (resourcesPath)
    found.push(mustExist(resourcesPath, base, `${where}.resourcesPath`));
  return found;
}

function mustExist(path: string, base: string, key: string): string {
  const whole = resolve(base, path.replace(/^~(?=\/|$)/, homedir()));
  if (!existsSync(whole))
    throw new KeyError(
      key,
      `error in getting the file info for ${whole}: stat ${whole}: no such file or directory`,
    );
  return whole;
}

const isEmpty = (value: unknown) =>
  value === undefined ||
  value === "" ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0);
