/**
 * `dapr annotate -k`: puts the dapr.io annotations on a workload in a manifest.
 * All documents come out again; only the first workload that matches is changed.
 */
import { parseQuantity } from "../../shared/units.ts";
import {
  CommandError,
  command,
  type FlagTable,
  type FlagValues,
} from "../command.ts";
import { about } from "../commands/about.ts";
import { annotateFirst, joinDocuments, readManifests } from "./manifests.ts";

const option = (about: string, short?: string) =>
  ({ type: "string", about, ...(short ? { short } : {}) }) as const;

const whole = (about: string, short?: string) =>
  ({ type: "int", about, ...(short ? { short } : {}) }) as const;

/** Flags that become the annotation of their own name: the original's, in its words (docs/decisions/tools.md). */
export const annotations = {
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
export const renamed: Record<string, string> = {
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
    takes: "file",
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
    const manifests = await readManifests(words[0]!);
    annotateFirst(manifests, {
      resource: flags.resource,
      namespace: flags.namespace,
      appId: flags["app-id"],
      values: annotationValues(flags, given),
    });
    io.out(joinDocuments(manifests));
    return 0;
  },
);

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
