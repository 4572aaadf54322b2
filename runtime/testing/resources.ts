/** Writes what a test gives as components and configuration into files, as a sidecar reads them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { messageOf } from "../shared/message-of.ts";
import type { Folder } from "./folder.ts";
import type { SidecarOptions } from "./index.cjs";

export interface Resources {
  /** Flags of `daprd` that name the files. */
  args: string[];
  /** A text of the sidecar with the names that the test knows in place of those of the files. */
  named(text: string): string;
  /** Whether it speaks of one of the files. */
  isAbout(text: string): boolean;
}

type Given = Pick<
  SidecarOptions,
  "components" | "configuration" | "resourcesPath"
>;

/** Throws if a file that is named can't be read. */
export function writeResources(
  { components = [], configuration, resourcesPath = [] }: Given,
  { own }: Pick<Folder, "own">,
): Resources {
  const folder = join(own, "components");
  const names: [path: string, name: string][] = [];
  const args = [resourcesPath].flat().map((path) => `--resources-path=${path}`);

  /** Returns the file's path. */
  function write(
    given: string | object,
    name: string,
    to: string,
    at: number,
  ): string {
    const path = join(to, `${String(at).padStart(4, "0")}.yaml`);
    writeFileSync(path, textOf(given, name));
    names.push([path, isPath(given) ? given : name]);
    return path;
  }

  const list = [components].flat() as (string | object)[];
  if (list.length > 0) {
    mkdirSync(folder);
    for (const [at, one] of list.entries())
      write(one, `components[${at}]`, folder, at);
    args.push(`--resources-path=${folder}`);
  }
  args.push(`--config=${write(findOwn, "names", own, 0)}`);
  if (configuration !== undefined)
    args.push(`--config=${write(configuration, "configuration", own, 1)}`);
  const named = (text: string) =>
    names.reduce(
      (all, [path, name]) =>
        all
          .replaceAll(path, name)
          // The sidecar's way to name a file below its folder.
          .replaceAll(relative(process.cwd(), path), name),
      text,
    );
  return { args, named, isAbout: (text) => named(text) !== text };
}

/** The sidecars of this process find each other, by the folder's registry, and nobody of the network. */
const findOwn = {
  apiVersion: "dapr.io/v1alpha1",
  kind: "Configuration",
  metadata: { name: "names" },
  spec: { nameResolution: { component: "local", version: "v1" } },
};

/** JSON is YAML. */
function textOf(given: string | object, name: string): string {
  if (typeof given === "object" && given !== null)
    return JSON.stringify(given, null, 2);
  if (typeof given !== "string")
    throw new Error(
      `${name} is ${String(given)}: give a text of YAML, a path or an object`,
    );
  if (!isPath(given)) return given;
  try {
    return readFileSync(given, "utf8");
  } catch (error) {
    throw new Error(
      `${name}, a text of one line and so the path of a file, could not be read: ${messageOf(error)} (${resolve(given)})`,
      { cause: error },
    );
  }
}

const isPath = (given: string | object): given is string =>
  typeof given === "string" && !/\n|^\s*\{/.test(given);
