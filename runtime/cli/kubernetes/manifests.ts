/** Manifests as a user wrote them: comments and order stay, and only what is added changes. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseAllDocuments,
  YAMLMap,
  type Document,
} from "yaml";
import { appIdProblem } from "../../kubernetes/annotations.ts";
import { CommandError } from "../command.ts";

export interface Manifest {
  /** Path, URL or `stdin`. */
  file: string;
  document: Document;
  lines: LineCounter;
}

/** Where each kind of workload keeps the metadata of its pods. */
const podMetadata: Record<string, string[]> = {
  Pod: ["metadata"],
  Deployment: ["spec", "template", "metadata"],
  ReplicaSet: ["spec", "template", "metadata"],
  DaemonSet: ["spec", "template", "metadata"],
  StatefulSet: ["spec", "template", "metadata"],
  ReplicationController: ["spec", "template", "metadata"],
  Job: ["spec", "template", "metadata"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "metadata"],
};

const fetchMs = 30_000;

/** The documents of a file, of a folder's `.yaml` and `.yml` files in the order of their names, of a URL, or of stdin (`-`). */
export async function readManifests(source: string): Promise<Manifest[]> {
  if (source === "-") return parseManifests("stdin", await text(process.stdin));
  try {
    if (/^https?:\/\//.test(source))
      return parseManifests(source, await download(source));
    const files = statSync(source).isDirectory()
      ? readdirSync(source)
          .filter((name) => /\.ya?ml$/i.test(name))
          .sort()
          .map((name) => join(source, name))
      : [source];
    return files.flatMap((file) =>
      parseManifests(file, readFileSync(file, "utf8")),
    );
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { message, cause } = error as Error;
    // fetch says "fetch failed", and why only in the cause
    throw new CommandError(
      `could not read ${source}: ${cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message}`,
    );
  }
}

async function download(url: string): Promise<string> {
  const reply = await fetch(url, { signal: AbortSignal.timeout(fetchMs) });
  if (!reply.ok) throw new Error(`status ${reply.status}`);
  return reply.text();
}

export function parseManifests(file: string, manifest: string): Manifest[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(manifest, { lineCounter: lines });
  if (!Array.isArray(documents)) return [];
  for (const { errors } of documents)
    if (errors[0]) throw new CommandError(`${file}: ${errors[0].message}`);
  return documents
    .filter(({ contents }) => contents !== null)
    .map((document) => ({ file, document, lines }));
}

/** Documents of one stream keep the `---` that they begin with; documents of different files have none. */
export const joinDocuments = (manifests: readonly Manifest[]): string =>
  manifests
    .map(toText)
    .map((text, index) =>
      index === 0 || text.startsWith("---") ? text : `---\n${text}`,
    )
    .join("")
    .trimEnd();

function toText({ file, document }: Manifest): string {
  try {
    return String(document);
  } catch (error) {
    // e.g. an alias without its anchor, which only shows when it is written
    throw new CommandError(`${file}: ${(error as Error).message}`);
  }
}

export interface AnnotateOptions {
  resource: string;
  namespace: string;
  appId: string;
  /** By annotation without its prefix. */
  values: Record<string, string>;
}

/** Annotates the first workload that matches. Throws when none does, or when it can't be annotated. */
export function annotateFirst(
  manifests: readonly Manifest[],
  { resource, namespace, appId, values }: AnnotateOptions,
): void {
  for (const manifest of manifests) {
    const { document } = manifest;
    const kind = textAt(document, ["kind"]);
    const path = Object.hasOwn(podMetadata, kind)
      ? podMetadata[kind]
      : undefined;
    if (!path) continue;
    const name = textAt(document, ["metadata", "name"]);
    const own = textAt(document, ["metadata", "namespace"]) || "default";
    if (resource && (name !== resource || (namespace && own !== namespace)))
      continue;
    const all = {
      enabled: "true",
      "app-id": appId || defaultId(manifest, own, kind, name),
      ...values,
    };
    const annotations = mapAt(manifest, [...path, "annotations"]);
    for (const [key, value] of Object.entries(all))
      annotations.set(`dapr.io/${key}`, value);
    return;
  }
  throw new CommandError(
    resource
      ? `no workload named "${resource}"${namespace ? ` in namespace "${namespace}"` : ""} was found`
      : `no workload was found; the kinds that can be annotated are ${Object.keys(podMetadata).join(", ")}`,
  );
}

function defaultId(
  { file }: Manifest,
  namespace: string,
  kind: string,
  name: string,
): string {
  const id = `${namespace}-${kind.toLowerCase()}-${name}`;
  if (!name || appIdProblem(id))
    throw new CommandError(
      `${file}: ${name ? `"${id}"` : `a ${kind} without a name`} can't be an app's ID: give one with --app-id`,
    );
  return id;
}

/** Empty if there is nothing, or something other than text. */
function textAt(document: Document, path: readonly string[]): string {
  const value = document.getIn(path);
  return typeof value === "string" || typeof value === "number"
    ? String(value)
    : "";
}

/** The map at a path. It is made if there is none, or null. Throws if something else is there. */
function mapAt(manifest: Manifest, path: readonly string[]): YAMLMap {
  const { file, document, lines } = manifest;
  let map = document.contents as YAMLMap;
  path.forEach((key, depth) => {
    let node = map.get(key, true) as unknown;
    if (isAlias(node)) {
      // a copy: other references to the anchor must not change
      const copy = node.resolve(document)?.clone() as YAMLMap | undefined;
      delete copy?.anchor;
      if (copy) map.set(key, (node = copy));
    }
    if (node === undefined || (isScalar(node) && node.value === null))
      map.set(key, (node = new YAMLMap(document.schema)));
    if (!isMap(node)) {
      const [at] = (isNode(node) && node.range) || map.range || [0];
      throw new CommandError(
        `${file}:${lines.linePos(at).line}: ${path.slice(0, depth + 1).join(".")} is not a map`,
      );
    }
    map = node as YAMLMap;
  });
  return map;
}
