/** The YAML files of resource folders: one reader for all kinds of resources (docs/protocol/resources.md). */
import { readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Logger } from "../../shared/log.ts";
import {
  maxYamlBytes,
  readRegular,
  whyUnread,
} from "../../shared/files/read-regular.ts";
import { readDocuments, type Value, type YamlError } from "../values/yaml.ts";

/** The documents of all files, in order. Throws if a folder can't be read; a file that can't be read is a warning. */
export function* documentsIn(
  folders: readonly string[],
  log: Logger,
): Generator<Value | YamlError> {
  for (const folder of folders)
    for (const { file, text } of textsIn(folder, log))
      if (text !== undefined) yield* readDocuments(text, file);
}

export const isYaml = (name: string): boolean => /\.ya?ml$/i.test(name);

/** The YAML files of a folder, `file` as a person would type it, `text` undefined if it can't be read. As {@link documentsIn}. */
export function* textsIn(
  folder: string,
  log: Logger,
): Generator<{ file: string; text: string | undefined }> {
  for (const name of namesIn(folder)) {
    const path = join(folder, name);
    if (!isYaml(name)) {
      if (!isFolder(path))
        log.warn(`A non-YAML file ${name} was detected, it will not be loaded`);
      continue;
    }
    const file = shown(path);
    let text: string | undefined;
    try {
      text = readRegular(path, maxYamlBytes);
    } catch (error) {
      log.warn(`${file} was not loaded: ${whyUnread(error)}`);
    }
    yield { file, text };
  }
}

/** Files in the order of their names. Throws if the folder can't be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(
      `could not read the resources directory ${folder}: ${
        code === "ENOENT"
          ? "it does not exist; give an existing folder to --resources-path"
          : code === "ENOTDIR"
            ? "it is a file; give the folder that it is in"
            : message
      }`,
    );
  }
}

/** Whether it is a folder, or a link to one; folders inside are left alone, as in the original. */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false; // gone, or a link that leads nowhere
  }
}

/** A path as a person would type it: relative if that is shorter. */
function shown(file: string): string {
  const short = relative(process.cwd(), file);
  return short.startsWith("..") ? file : short;
}
