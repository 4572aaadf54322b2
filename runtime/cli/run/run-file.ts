/** Reads a run file (dapr.yaml) into app specs: every key, defaults, paths, precedence. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import {
  maxYamlBytes,
  readRegular,
  whyUnread,
} from "../../shared/files/read-regular.ts";
import { unset } from "../../options/flag.ts";
import { allOptions } from "../../options/index.ts";
import { oldSize, withTls } from "./app-spec.ts";
import type { AppSpec } from "./app-spec.ts";
import { CommandError } from "../command.ts";
import { daprHome, defaultComponents, defaultConfig } from "../home.ts";
import { KeyError, readKeys, sharedKeys, appKeys } from "./run-file-keys.ts";
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

export interface RunFile {
  /** Absolute; `-` for stdin. */
  path: string;
  name: string;
  apps: RunApp[];
  /** `file:line:column` of a key such as `apps[1].appPort`, or of its nearest parent. */
  placeOf(key: string): string;
}

/** The run file a `-f` argument means. Throws the original's errors. */
export async function findRunFile(argument: string): Promise<string> {
  if (argument === "-") return argument;
  const failed = (what: string) =>
    new CommandError(`Failed to get run file path: ${what}`);
  const path = resolve(argument);
  const info = await stat(path).catch(() => undefined);
  if (!info)
    throw failed(
      `error getting file info for ${argument}: stat ${path}: no such file or directory`,
    );
  if (info.isDirectory()) {
    const file = join(path, "dapr.yaml");
    if (!existsSync(file))
      throw failed(
        `error in validating the file path "${file}": stat ${file}: no such file or directory`,
      );
    return file;
  }
  if (!/\.ya?ml$/.test(path))
    throw failed(`file ${JSON.stringify(argument)} is not a YAML file`);
  return path;
}

/** `warn` is told of what is odd in it, a sentence each, also where this throws. */
export async function readRunFile(
  path: string,
  runtimePath: string,
  warn: (warning: string) => void,
): Promise<RunFile> {
  const text = path === "-" ? await readAll(process.stdin) : readText(path);
  const { parseRunFile } = await import("./run-file-yaml.ts");
  const file = path === "-" ? "stdin" : path;
  const { value, warnings, placeOf } = parseRunFile(text, file);
  warnings.forEach(warn);
  try {
    return { ...readTop(value, path, runtimePath), placeOf };
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new Error(`${error.message} (${placeOf(error.key)})`);
  }
}

function readTop(
  value: unknown,
  path: string,
  runtimePath: string,
): Omit<RunFile, "placeOf"> {
  const isMap = typeof value === "object" && value !== null;
  const top = (isMap ? value : {}) as Record<string, unknown>;
  if (!top["version"])
    throw missing("version", top, "top", "", "run template file");
  const base = path === "-" ? process.cwd() : dirname(path);
  const common = readKeys(sharedKeys, top["common"] ?? {}, "common");
  const list = top["apps"] ?? [];
  if (!Array.isArray(list))
    throw new KeyError(
      "apps",
      "'apps' is not a list in the provided run template file",
    );
  const apps: RunApp[] = [];
  for (const [at, entry] of list.entries())
    apps.push(
      readApp(
        readKeys(appKeys, entry ?? {}, `apps[${at}]`),
        entry ?? {},
        `apps[${at}]`,
        common,
        base,
        runtimePath,
      ),
    );
  const ids = apps.map(({ spec }) => spec["app-id"]);
  const twin = ids.findIndex((id, at) => ids.indexOf(id) !== at);
  if (twin > 0)
    throw new KeyError(
      `apps[${twin}].appID`,
      `two apps have the ID "${ids[twin]}", apps[${ids.indexOf(ids[twin]!)}] and apps[${twin}]: give each its own 'appID'`,
    );
  const name = String(top["name"] ?? basename(base));
  return { path, name, apps };
}

/** A required key that is not in its map, `given`, whose whole name is `where`. */
function missing(
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

function readText(path: string): string {
  try {
    return readRegular(path, maxYamlBytes);
  } catch (error) {
    throw new Error(`${path} can't be read: ${whyUnread(error)}`);
  }
}

function readApp(
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
