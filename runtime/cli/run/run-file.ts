/** Finds and reads a run file (dapr.yaml): its apps as specs, and where each key is. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { text as readAll } from "node:stream/consumers";
import {
  maxYamlBytes,
  readRegular,
  whyUnread,
} from "../../shared/files/read-regular.ts";
import { CommandError } from "../command.ts";
import { missing, readApp, type RunApp } from "./run-file-app.ts";
import { KeyError, readKeys, sharedKeys, appKeys } from "./run-file-keys.ts";

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

function readText(path: string): string {
  try {
    return readRegular(path, maxYamlBytes);
  } catch (error) {
    throw new Error(`${path} can't be read: ${whyUnread(error)}`);
  }
}
