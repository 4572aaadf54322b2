/**
 * Resource folders to components: reading, filtering and the values of their
 * metadata (spec components §1.1 and §1.2).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { ComponentResource, MetadataItem, Position } from "../contract.ts";
import type { Logger } from "../log.ts";
import { isTruthy, parseDurationMs, where } from "../metadata.ts";
import type { SecretRef } from "../secret-refs.ts";
import { readItem, type ItemOptions } from "./metadata-item.ts";
import {
  member,
  readDocuments,
  textOf,
  textsOf,
  YamlError,
  type Value,
} from "./yaml.ts";

export interface LoadOptions {
  appId: string;
  /** The process's environment: `NAMESPACE`, `DAPR_ENV_KEYS` and whatever `envRef` names. */
  env: Record<string, string | undefined>;
  log: Logger;
  /** Types, or `type/version`, that a Configuration refuses. */
  denied?: readonly string[];
  /** The store of resources that name none; its secrets come resolved, as Base64 in `value`. */
  resolvedStore?: string;
}

export interface LoadedComponent extends ComponentResource {
  secretRefs: SecretRef[];
  /** As written; empty when absent. */
  namespace: string;
}

/** Two components of one name: the one mistake in a file that stops everything. */
export class DuplicateComponentError extends Error {
  override name = "DuplicateComponentError";
}

const defaultInitTimeoutMs = 5000;

/**
 * Components of the given folders that concern this app, in file order. Throws
 * on a missing folder and on two components of one name; a malformed document
 * is a warning, and the file's other documents still load.
 */
export const loadComponents = (
  folders: string[],
  options: LoadOptions,
): LoadedComponent[] =>
  selectComponents(documentsIn(folders, options.log), options);

function* documentsIn(folders: string[], log: Logger) {
  for (const folder of folders)
    for (const file of yamlFiles(folder, log))
      yield* readDocuments(readFileSync(file, "utf8"), shown(file));
}

/** Those of the documents that concern this app, in order. As {@link loadComponents}, wherever they come from. */
export function selectComponents(
  documents: Iterable<Value | YamlError>,
  options: LoadOptions,
): LoadedComponent[] {
  const kept = new Map<string, LoadedComponent>();
  for (const document of documents) {
    const component = readComponent(document, options);
    if (!component) continue;
    const twin = kept.get(component.name);
    if (twin)
      throw new DuplicateComponentError(
        `duplicate definition of Component name ${label(component)} with existing ${label(twin)} (${where(component.at)}, ${where(twin.at)}): rename or scope one of them`,
      );
    if (component.scopes.length && !component.scopes.includes(options.appId))
      continue;
    if (isDenied(component, options.denied)) {
      options.log.warn(
        component.version
          ? `component '${component.name}' cannot be loaded because components of type '${component.type}/${component.version}' are not allowed by the Configuration's components.deny (${where(component.at)})`
          : `component '${component.name}' cannot be loaded because it has no spec.version, which the Configuration's components.deny makes necessary (${where(component.at)})`,
      );
      continue;
    }
    kept.set(component.name, component);
  }
  return [...kept.values()];
}

/** With any such list, a component without version is refused: no entry could tell which one it is (spec components §1.1). */
function isDenied(
  { type, version }: LoadedComponent,
  denied: readonly string[] = [],
): boolean {
  if (denied.length === 0) return false;
  if (version === "") return true;
  // v0 opens what v1 does (spec components §1.3).
  const versioned = `${type}/${version.toLowerCase().replace(/^v0$/, "v1")}`;
  return denied.some((entry) => {
    const wanted = entry.toLowerCase();
    return wanted === type || wanted === versioned;
  });
}

/** `name (type/version)`, as messages name a component. */
export function label(component: ComponentResource): string {
  const { name, type, version } = component;
  return `${name} (${version ? `${type}/${version}` : type})`;
}

function yamlFiles(folder: string, log: Logger): string[] {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      code === "ENOENT"
        ? `could not read the resources directory ${folder}: it does not exist; give an existing folder to --resources-path`
        : `could not read the resources directory ${folder}: ${(error as Error).message}`,
    );
  }
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory()) continue;
    const file = join(folder, entry.name);
    if (/\.ya?ml$/i.test(entry.name)) files.push(file);
    else
      log.warn(
        `A non-YAML file ${entry.name} was detected, it will not be loaded`,
      );
  }
  return files;
}

/** A path as a person would type it: relative when that is shorter. */
function shown(file: string): string {
  const short = relative(process.cwd(), file);
  return short.startsWith("..") ? file : short;
}

function readComponent(
  document: Value | YamlError,
  options: LoadOptions,
): LoadedComponent | undefined {
  const { log, env } = options;
  const malformed = (problem: string, at: Position) => {
    log.warn(`A document was not loaded: ${problem} (${where(at)})`);
    return undefined;
  };
  if (document instanceof YamlError)
    return malformed(document.message, document.at);
  if (document.kind !== "map")
    return malformed("it is not a map of fields", document.at);
  if (
    textOf(member(document, "kind")) !== "Component" ||
    textOf(member(document, "apiVersion")) !== "dapr.io/v1alpha1"
  )
    return undefined;
  const name = textOf(member(member(document, "metadata"), "name"));
  if (name === "" || name === "." || name === ".." || /[/%]/.test(name))
    return malformed(
      `metadata.name "${name}" is not a name (not empty, no / or %)`,
      member(document, "metadata")?.at ?? document.at,
    );
  const namespace = textOf(member(member(document, "metadata"), "namespace"));
  if (namespace && env["NAMESPACE"] && namespace !== env["NAMESPACE"])
    return undefined;
  const spec = member(document, "spec");
  const type = textOf(member(spec, "type")).toLowerCase();
  if (type === "")
    return malformed(
      `component "${name}" has no spec.type`,
      spec?.at ?? document.at,
    );
  const { resolvedStore } = options;
  const secretStore =
    textOf(member(member(document, "auth"), "secretStore")) || resolvedStore;
  const read = readMetadata(member(spec, "metadata"), name, {
    env,
    log,
    areSecretsResolved:
      secretStore !== undefined && secretStore === resolvedStore,
  });
  return {
    name,
    namespace,
    type,
    version: textOf(member(spec, "version")),
    ...read,
    ignoreErrors: isTruthy(textOf(member(spec, "ignoreErrors"))),
    initTimeoutMs: initTimeout(textOf(member(spec, "initTimeout"))),
    scopes: textsOf(member(document, "scopes")),
    secretStore,
    at: member(spec, "type")?.at ?? document.at,
  };
}

/** A Go duration; bad or not positive means 5 s. */
function initTimeout(value: string): number {
  try {
    const parsed = parseDurationMs(value, 1e-6);
    return parsed > 0 ? parsed : defaultInitTimeoutMs;
  } catch {
    return defaultInitTimeoutMs;
  }
}

function readMetadata(
  list: Value | undefined,
  component: string,
  options: ItemOptions,
): { metadata: MetadataItem[]; secretRefs: SecretRef[] } {
  const metadata: MetadataItem[] = [];
  const secretRefs: SecretRef[] = [];
  if (list && list.kind === "map")
    options.log.warn(
      `component "${component}": spec.metadata is a map, not a list; write "- name: … value: …" (${where(list.at)})`,
    );
  for (const entry of list?.kind === "list" ? list.items : [])
    metadata.push(
      readItem(textOf(member(entry, "name")), entry, options, secretRefs),
    );
  return { metadata, secretRefs };
}
