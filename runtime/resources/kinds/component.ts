/**
 * Makes components of documents: filters them and reads their metadata (docs/protocol/resources.md).
 */
import type { ComponentResource } from "../../contracts/component.ts";
import type { MetadataItem } from "../../contracts/metadata.ts";
import type { Position } from "../../shared/position.ts";
import type { Logger } from "../../shared/log.ts";
import { isFalsy, isTruthy, parseDurationMs } from "../../shared/units.ts";
import { isOwn } from "../../shared/namespace.ts";
import { where } from "../../shared/position.ts";
import type { SecretRef } from "../secret-refs.ts";
import { componentFields } from "../fields.ts";
import { documentsIn } from "../folders/files.ts";
import { isKind } from "../other-kinds.ts";
import { readItem, type ItemOptions } from "../metadata-item.ts";
import { tellFields } from "../unknown-fields.ts";
import {
  listAt,
  mapAt,
  member,
  textOf,
  textsOf,
  YamlError,
  type Value,
} from "../values/yaml.ts";

export interface LoadOptions {
  appId: string;
  /** The process's environment: `NAMESPACE`, `DAPR_ENV_KEYS`, and the variables that `envRef`s name. */
  env: Record<string, string | undefined>;
  log: Logger;
  /** Types, or `type/version`, that a Configuration refuses. */
  denied?: readonly string[];
  /** The secret store of resources that name none. Its secrets come resolved, as Base64 in `value`. */
  resolvedStore?: string;
  /** Told of each document that is no component though it should be one, with its place. */
  onMalformed?(problem: string): void;
}

export interface LoadedComponent extends ComponentResource {
  secretRefs: SecretRef[];
  /** As written; empty when absent. */
  namespace: string;
}

/** Two components of one name: the only mistake in a file that ends the start here. */
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

/** The components among the documents that concern this app, in order. Like {@link loadComponents}, for documents from anywhere. */
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

/** With such a list a component without a version is refused, as no entry can tell which version it is. */
function isDenied(
  { type, version }: LoadedComponent,
  denied: readonly string[] = [],
): boolean {
  if (denied.length === 0) return false;
  if (version === "") return true;
  // v0 opens the same as v1.
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

function readComponent(
  document: Value | YamlError,
  options: LoadOptions,
): LoadedComponent | undefined {
  const { log, env } = options;
  const malformed = (problem: string, at?: Position) => {
    const placed = at ? `${problem} (${where(at)})` : problem;
    options.onMalformed?.(placed);
    log.warn(`A document was not loaded: ${placed}`);
    return undefined;
  };
  if (document instanceof YamlError)
    return malformed(document.message, document.at);
  if (document.kind !== "map")
    return malformed("it is not a map of fields", document.at);
  if (!isKind(document, "Component")) return undefined;
  const name = textOf(member(member(document, "metadata"), "name"));
  const namespace = textOf(member(member(document, "metadata"), "namespace"));
  const isElsewhere = !isOwn(namespace, env);
  if (!isElsewhere)
    tellFields(document, componentFields, `component "${name}"`, log);
  if (name === "" || name === "." || name === ".." || /[/%]/.test(name))
    return malformed(
      `metadata.name "${name}" is not a name (not empty, no / or %)`,
      member(document, "metadata")?.at ?? document.at,
    );
  if (isElsewhere) return undefined;
  // If a wrong value were read as nothing, all apps could use what was meant for one.
  const wrong = misshapen(document);
  if (wrong) return malformed(`component "${name}": ${wrong}`);
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
    ignoreErrors: ignoresErrors(member(spec, "ignoreErrors"), name, log),
    initTimeoutMs: initTimeout(member(spec, "initTimeout"), name, log),
    scopes: textsOf(member(document, "scopes")),
    secretStore,
    at: member(spec, "type")?.at ?? document.at,
  };
}

/** Where a map or list must be and something else is, with its place; the original can't read such a document. */
function misshapen(document: Value): string | undefined {
  try {
    mapAt(member(document, "spec"), "spec");
    mapAt(member(document, "auth"), "auth");
    listAt(member(document, "scopes"), "scopes");
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** False unless it is a word for true. */
function ignoresErrors(
  value: Value | undefined,
  name: string,
  log: Logger,
): boolean {
  const text = textOf(value);
  if (!isTruthy(text) && !isFalsy(text))
    log.warn(
      `component "${name}": spec.ignoreErrors ${JSON.stringify(text.slice(0, 60))} is neither true nor false and counts as false (${where(value?.at)})`,
    );
  return isTruthy(text);
}

/** A Go duration; 5 s if it is malformed or not positive. */
function initTimeout(
  value: Value | undefined,
  name: string,
  log: Logger,
): number {
  const text = textOf(value);
  if (text === "") return defaultInitTimeoutMs;
  try {
    const parsed = parseDurationMs(text, 1e-6);
    if (parsed > 0) return parsed;
  } catch {
    // reported below
  }
  log.warn(
    `component "${name}": spec.initTimeout ${JSON.stringify(text.slice(0, 60))} is no duration such as 10s; 5s is taken (${where(value?.at)})`,
  );
  return defaultInitTimeoutMs;
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
  for (const entry of list?.kind === "list" ? list.items : []) {
    const name = textOf(member(entry, "name"));
    if (name === "") {
      options.log.warn(
        `component "${component}": an item of spec.metadata has no name and no effect; write "- name: … value: …" (${where(entry.at)})`,
      );
      continue;
    }
    metadata.push(readItem(name, entry, options, secretRefs));
  }
  return { metadata, secretRefs };
}
