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
import type { RunFlags } from "./run-flags.ts";

export type Destination = "console" | "file" | "fileAndConsole";

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
  /** Warnings about it, a sentence each. */
  warnings: string[];
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

export async function readRunFile(
  path: string,
  runtimePath: string,
): Promise<RunFile> {
  const text = path === "-" ? await readAll(process.stdin) : readText(path);
  const { parseRunFile } = await import("./run-file-yaml.ts");
  const file = path === "-" ? "stdin" : path;
  const { value, warnings, placeOf } = parseRunFile(text, file);
  try {
    return { ...(await readTop(value, path, runtimePath)), warnings };
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new Error(`${error.message} (${placeOf(error.key)})`);
  }
}

async function readTop(
  value: unknown,
  path: string,
  runtimePath: string,
): Promise<Omit<RunFile, "warnings">> {
  const top = (value ?? {}) as Record<string, unknown>;
  if (typeof top !== "object" || !top["version"])
    throw new Error(
      "required field 'version' not found in the provided run template file",
    );
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
      await readApp(
        readKeys(appKeys, entry ?? {}, `apps[${at}]`),
        `apps[${at}]`,
        common,
        base,
        runtimePath,
      ),
    );
  const ids = apps.map(({ spec }) => spec["app-id"]);
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined)
    throw new Error(
      `two apps have the ID "${twice}": give each its own 'appID'`,
    );
  const name = String(top["name"] ?? basename(base));
  return { path, name, apps };
}

function readText(path: string): string {
  try {
    return readRegular(path, maxYamlBytes);
  } catch (error) {
    throw new Error(`${path} can't be read: ${whyUnread(error)}`);
  }
}

async function readApp(
  app: AppKeys,
  key: string,
  common: SharedKeys,
  base: string,
  runtimePath: string,
): Promise<RunApp> {
  if (!app.appDirPath)
    throw new KeyError(
      key,
      "required field 'appDirPath' not found in the provided app config file",
    );
  const dir = await mustExist(app.appDirPath, base);
  const own = async (path: string | undefined) =>
    path ? mustExist(path, dir) : "";
  const shared = async (path: string | undefined) =>
    path ? mustExist(path, base) : "";
  const home = daprHome(
    runtimePath ||
      (await own(app.runtimePath)) ||
      (await shared(common.runtimePath)),
  );
  const options = readOptions(app, common);
  const inApp = (...path: string[]) => {
    const found = join(dir, ".dapr", ...path);
    return existsSync(found) ? [found] : [];
  };
  const resources = [
    await existing(listOf(app), dir),
    inApp("resources"),
    await existing(listOf(common), base),
  ].find((paths) => paths.length > 0);
  const spec: AppSpec = {
    ...options,
    "log-as-json": false,
    "app-id": options["app-id"] || basename(dir),
    "app-protocol": withTls(options["app-protocol"], options["app-ssl"]),
    config:
      (await own(app.configFilePath)) ||
      inApp("config.yaml")[0] ||
      (await shared(common.configFilePath)) ||
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
  const destination = (key: "appLogDestination" | "daprdLogDestination") =>
    app[key] || common[key];
  return {
    spec,
    dir,
    env: { ...common.env, ...app.env },
    appLog: whereTo(destination("appLogDestination") || "fileAndConsole"),
    sidecarLog: whereTo(destination("daprdLogDestination") || "file"),
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

/** `resourcesPath` is deprecated, and appended to the list. */
const listOf = (keys: SharedKeys) => [
  ...(keys.resourcesPaths ?? []),
  ...(keys.resourcesPath ? [keys.resourcesPath] : []),
];

const existing = (paths: readonly string[], base: string) =>
  Promise.all(paths.map((path) => mustExist(path, base)));

async function mustExist(path: string, base: string): Promise<string> {
  const whole = resolve(base, path.replace(/^~(?=\/|$)/, homedir()));
  if (!existsSync(whole))
    throw new Error(
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

function whereTo(text: string): Destination {
  if (text === "console" || text === "file" || text === "fileAndConsole")
    return text;
  throw new Error(`invalid log destination type: ${text}`);
}
