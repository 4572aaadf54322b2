/**
 * `dapr annotate -k`: puts the dapr.io annotations on a workload in a manifest.
 * All documents come out again; only the first workload that matches is changed.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseAllDocuments, type Document } from "yaml";
import { parseQuantity } from "../../metadata.ts";
import {
  CommandError,
  command,
  type Flag,
  type FlagTable,
  type FlagValues,
} from "../command.ts";
import { about } from "./about.ts";

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

const option = (about: string, short?: string): Flag => ({
  type: "string",
  about,
  ...(short ? { short } : {}),
});

const whole = (about: string, short?: string) =>
  ({ type: "int", about, ...(short ? { short } : {}) }) as const;

/** Flags that become the annotation of their own name. */
const annotations = {
  "app-port": whole("The port the app listens on", "p"),
  "app-protocol": option("http, https, grpc, grpcs or h2c"),
  "app-max-concurrency": whole("Calls to the app at a time"),
  "app-channel-address": option("The address the app listens on"),
  "app-ssl": { type: "bool", about: "TLS to the app" },
  config: option("The Configuration's name", "c"),
  "enable-api-logging": { type: "bool", about: "Log API calls" },
  "enable-app-health-check": { type: "bool", about: "Probe the app" },
  "app-health-check-path": option("The probe's path"),
  "app-health-probe-interval": whole("Seconds between probes"),
  "app-health-probe-timeout": whole("Milliseconds a probe may take"),
  "app-health-threshold": whole("Failed probes until unhealthy"),
  "enable-debug": { type: "bool", about: "Debug the sidecar" },
  "debug-port": whole("The debugger's port"),
  "enable-metrics": { type: "bool", about: "Serve metrics" },
  "metrics-port": whole("The port of the metrics"),
  "enable-profile": { type: "bool", about: "Serve profiles" },
  "log-level": option("debug, info, warn, error, fatal or panic"),
  "log-as-json": { type: "bool", about: "Log JSON lines" },
  "api-token-secret": option("The Secret with the API's token"),
  "app-token-secret": option("The Secret with the app's token"),
  "graceful-shutdown-seconds": whole("Time limit of a shutdown"),
  "listen-addresses": option("Addresses the sidecar listens on"),
  "placement-host-address": option("The placement service"),
  "sidecar-image": option("The sidecar's image"),
  "unix-domain-socket-path": option("Folder of the sockets"),
  "volume-mounts": option("Volumes of the sidecar, read-only"),
  "volume-mounts-rw": option("Volumes of the sidecar"),
  env: option("Environment of the sidecar: A=1,B=2"),
  "cpu-limit": option("The sidecar's CPU limit"),
  "memory-limit": option("The sidecar's memory limit"),
  "cpu-request": option("The sidecar's CPU request"),
  "memory-request": option("The sidecar's memory request"),
  "disable-builtin-k8s-secret-store": {
    type: "bool",
    about: "Without the built-in secret store",
  },
} as const satisfies FlagTable;

/** Flags whose annotation has another name. */
const renamed: Record<string, string> = {
  "listen-addresses": "sidecar-listen-addresses",
  "enable-profile": "enable-profiling",
  "cpu-limit": "sidecar-cpu-limit",
  "memory-limit": "sidecar-memory-limit",
  "cpu-request": "sidecar-cpu-request",
  "memory-request": "sidecar-memory-request",
};

export const annotate = command(
  "annotate",
  about.annotate,
  {
    kubernetes: { type: "bool", short: "k", about: "Required: for Kubernetes" },
    resource: option("The workload's name", "r"),
    namespace: option("The workload's namespace, with --resource", "n"),
    "app-id": option("The app's ID", "a"),
    "max-body-size": { type: "string", default: "4Mi", about: "e.g. 4Mi" },
    "read-buffer-size": { type: "string", default: "4Ki", about: "e.g. 4Ki" },
    ...annotations,
  },
  {
    usage: "[flags] FILE|FOLDER|URL|-",
    examples: `
# A manifest, then apply it
dapr annotate -k -a nodeapp -p 3000 deployment.yaml | kubectl apply -f -

# One workload among several
dapr annotate -k -r nodeapp -n default deploy/
`,
  },
  async ({ flags, given, words, io }) => {
    if (!flags.kubernetes)
      throw new CommandError(
        "annotate command is only supported for Kubernetes, please provide the -k flag",
      );
    if (words.length !== 1)
      throw new CommandError(
        "please specify a Kubernetes resource file, folder, URL or - for stdin",
      );
    if (flags.namespace && !flags.resource)
      throw new CommandError(
        "--resource is required when --namespace is provided",
      );
    const documents = (await readManifests(words[0]!)).flatMap(
      ({ name, text: manifest }) => parseManifest(name, manifest),
    );
    annotateFirst(documents, {
      resource: flags.resource,
      namespace: flags.namespace,
      appId: flags["app-id"],
      values: annotationValues(flags, given),
    });
    io.out(joinDocuments(documents));
    return 0;
  },
);

/** Documents of one stream keep the `---` they began with, those of different files have none. */
export const joinDocuments = (documents: readonly Document[]): string =>
  documents
    .map(String)
    .map((text, index) =>
      index === 0 || text.startsWith("---") ? text : `---\n${text}`,
    )
    .join("")
    .trimEnd();

export interface AnnotateOptions {
  resource: string;
  namespace: string;
  appId: string;
  /** By annotation without its prefix. */
  values: Record<string, string>;
}

/** Annotates the first workload that matches. Throws when none does. */
export function annotateFirst(
  documents: readonly Document[],
  { resource, namespace, appId, values }: AnnotateOptions,
) {
  for (const document of documents) {
    const kind = String(document.get("kind") ?? "");
    const path = podMetadata[kind];
    if (!path) continue;
    const name = String(document.getIn(["metadata", "name"]) ?? "");
    const own = String(document.getIn(["metadata", "namespace"]) ?? "default");
    if (resource && (name !== resource || (namespace && own !== namespace)))
      continue;
    const all = {
      enabled: "true",
      "app-id": appId || `${own}-${kind.toLowerCase()}-${name}`,
      ...values,
    };
    for (const [key, value] of Object.entries(all))
      document.setIn([...path, "annotations", `dapr.io/${key}`], value);
    return;
  }
  throw new CommandError(
    resource
      ? `no workload named "${resource}"${namespace ? ` in namespace "${namespace}"` : ""} was found`
      : `no workload was found; the kinds that can be annotated are ${Object.keys(podMetadata).join(", ")}`,
  );
}

type Flags = FlagValues<typeof annotations> & {
  "max-body-size": string;
  "read-buffer-size": string;
};

function annotationValues(
  flags: Flags,
  given: ReadonlySet<string>,
): Record<string, string> {
  const values: Record<string, string> = {
    "max-body-size": bytes("max-body-size", flags["max-body-size"]),
    "read-buffer-size": bytes("read-buffer-size", flags["read-buffer-size"]),
  };
  for (const name of Object.keys(annotations) as (keyof typeof annotations)[])
    if (given.has(name)) values[renamed[name] ?? name] = String(flags[name]);
  return values;
}

function bytes(flag: string, value: string): string {
  try {
    return String(parseQuantity(value));
  } catch (error) {
    throw new CommandError(`--${flag}: ${(error as Error).message}`);
  }
}

async function readManifests(
  source: string,
): Promise<{ name: string; text: string }[]> {
  if (source === "-")
    return [{ name: "stdin", text: await text(process.stdin) }];
  if (/^https?:\/\//.test(source)) {
    const reply = await fetch(source);
    if (!reply.ok)
      throw new CommandError(
        `could not read ${source}: status ${reply.status}`,
      );
    return [{ name: source, text: await reply.text() }];
  }
  try {
    const files = statSync(source).isDirectory()
      ? readdirSync(source)
          .filter((name) => /\.ya?ml$/i.test(name))
          .sort()
          .map((name) => join(source, name))
      : [source];
    return files.map((name) => ({ name, text: readFileSync(name, "utf8") }));
  } catch (error) {
    throw new CommandError(
      `could not read ${source}: ${(error as Error).message}`,
    );
  }
}

function parseManifest(name: string, manifest: string): Document[] {
  const documents = parseAllDocuments(manifest);
  if (!Array.isArray(documents)) return [];
  for (const { errors } of documents)
    if (errors[0]) throw new CommandError(`${name}: ${errors[0].message}`);
  return documents.filter(({ contents }) => contents !== null);
}
