/**
 * daprd's command line: every flag of the original (docs/protocol/daprd.md). One table
 * feeds the parser, `--help` and the log line that names flags without effect.
 */
import { editDistance } from "../shared/nearest-name.ts";
import { parseDurationMs, parseQuantity } from "../shared/units.ts";

export class FlagError extends Error {
  override name = "FlagError";
}

interface Flag<T> {
  about: string;
  parse: (value: string) => T;
  default: T;
  /** Takes no value: `--enable-api-logging` is `=true`. */
  boolean?: boolean;
  repeatable?: boolean;
  /** The capability is still to come: accepted, and named in the log when given. */
  later?: boolean;
  /** The newer flag that replaces it. */
  deprecated?: string;
}

const text = (
  about: string,
  value = "",
  more: Partial<Flag<string>> = {},
): Flag<string> => ({
  about,
  parse: (v) => v,
  default: value,
  ...more,
});
const flag = (
  about: string,
  value = false,
  more: Partial<Flag<boolean>> = {},
): Flag<boolean> => ({
  about,
  parse: (v) => {
    if (/^(1|t|true)$/i.test(v)) return true;
    if (/^(0|f|false)$/i.test(v)) return false;
    throw new Error(`invalid boolean value "${v}"`);
  },
  default: value,
  boolean: true,
  ...more,
});
/** Undefined unless given. */
const flagOrUnset = (about: string): Flag<boolean | undefined> => ({
  ...flag(about),
  default: undefined,
});
/** The first of the values is the default. */
const oneOf = (about: string, values: [string, ...string[]]): Flag<string> => ({
  about,
  parse: (v) => {
    if (!values.includes(v))
      throw new Error(`it must be one of ${values.join(", ")}`);
    return v;
  },
  default: values[0],
});
/** The original's rule for protocols: in any case, and an empty one is the default. */
const anyCase = (spec: Flag<string>): Flag<string> => ({
  ...spec,
  parse: (v) => (v === "" ? spec.default : spec.parse(v.toLowerCase())),
});
const whole = (
  about: string,
  value: number,
  more: Partial<Flag<number>> = {},
): Flag<number> => ({
  about,
  parse: (v) => {
    if (!/^-?\d+$/.test(v)) throw new Error(`"${v}" is not a whole number`);
    return Number(v);
  },
  default: value,
  ...more,
});
const port = (
  about: string,
  value: number,
  more: Partial<Flag<number>> = {},
): Flag<number> => ({
  about,
  parse: (v) => {
    const parsed = /^-?\d+$/.test(v) ? Number(v) : NaN;
    if (!(parsed >= -1 && parsed <= 65535))
      throw new Error(`"${v}" is not a port (0-65535)`);
    return parsed;
  },
  default: value,
  ...more,
});
const bytes = (
  about: string,
  value: number,
  more: Partial<Flag<number>> = {},
): Flag<number> => ({
  about,
  parse: (v) => {
    const parsed = parseQuantity(v);
    if (parsed <= 0) throw new Error(`"${v}" is not more than 0`);
    return parsed;
  },
  default: value,
  ...more,
});
/** Milliseconds from a Go duration or a bare number of `unitMs`. */
const time = (
  about: string,
  value: number | undefined,
  unitMs: number,
  more: Partial<Flag<number | undefined>> = {},
): Flag<number | undefined> => ({
  about,
  parse: (v) => parseDurationMs(v, unitMs),
  default: value,
  ...more,
});
const list = (
  about: string,
  more: Partial<Flag<string[]>> = {},
): Flag<string[]> => ({
  about,
  parse: (v) => v.split(",").filter(Boolean),
  default: [],
  repeatable: true,
  ...more,
});
const later = { later: true };

export const table = {
  "app-id": text("Id of the app, without dots; required"),
  mode: oneOf("standalone or kubernetes", ["standalone", "kubernetes"]),
  "app-port": port("Port the app listens on; none = output only", 0),
  "app-protocol": anyCase(
    oneOf("http, https, h2c (grpc, grpcs to come)", [
      "http",
      "https",
      "h2c",
      "grpc",
      "grpcs",
    ]),
  ),
  "app-channel-address": text("Address the app listens on", "127.0.0.1"),
  "app-max-concurrency": whole(
    "Calls to the app under way at a time; -1 or 0 = no limit",
    -1,
  ),
  "enable-app-health-check": flag("Probe the app's health"),
  "app-health-check-path": text("Path of the probe", "/healthz"),
  "app-health-probe-interval": whole("Seconds between probes", 5),
  "app-health-probe-timeout": whole("Milliseconds a probe may take", 500),
  "app-health-threshold": whole("Failed probes that make the app unhealthy", 3),
  "dapr-http-port": port("HTTP API port", 3500),
  "dapr-grpc-port": port("gRPC API port", 50001),
  "dapr-internal-grpc-port": port("Port for other sidecars; 0 = any free", 0),
  "dapr-internal-grpc-listen-address": text(
    "Address for other sidecars; empty = that of the APIs",
  ),
  "dapr-public-port": port(
    "Port for health and metadata only; off unless set",
    0,
  ),
  "dapr-public-listen-address": text("Address of the public port"),
  "dapr-listen-addresses": text(
    "Addresses of the APIs, comma-separated; empty = loopback only (the original: all)",
  ),
  "unix-domain-socket": text(
    "Directory for Unix domain sockets instead of ports",
    "",
    later,
  ),
  "allowed-origins": text(
    "Origins a browser may call from: * or a comma list; empty = no CORS",
  ),
  "profile-port": port("Profiling port", 7777, later),
  "enable-profiling": flag("Serve profiles", false, later),
  "metrics-port": port("Metrics port", 9090, later),
  "metrics-listen-address": text(
    "Address of the metrics port",
    "0.0.0.0",
    later,
  ),
  "enable-metrics": flag("Serve metrics", true, later),
  "resources-path": list("Folder of resource files; repeatable"),
  "components-path": list("Folder of resource files", {
    deprecated: "resources-path",
  }),
  config: list(
    "Configuration file; repeatable, later ones overlay; in kubernetes mode its name",
  ),
  "max-body-size": bytes("Largest request body, e.g. 4Mi", 4 * 1024 * 1024),
  "read-buffer-size": bytes("Largest request header, e.g. 4Ki", 4 * 1024),
  "dapr-http-max-request-size": whole("Largest request body in MB", -1, {
    deprecated: "max-body-size",
  }),
  "dapr-http-read-buffer-size": whole("Largest request header in KB", -1, {
    deprecated: "read-buffer-size",
  }),
  "dapr-graceful-shutdown-seconds": whole(
    "Time limit of a graceful shutdown; 0 = none",
    5,
  ),
  "dapr-block-shutdown-duration": time(
    "Time the APIs stay up after a shutdown was asked for",
    undefined,
    1e-6,
  ),
  "enable-api-logging": flagOrUnset(
    "Log every API call; unset: as the configuration says",
  ),
  "log-level": text("debug, info, warn, error, fatal or panic", "info"),
  "log-as-json": flag("Log JSON lines"),
  "log-file": text("Also write the log to this file"),
  "disable-init-endpoints": text(
    "App endpoints not to call at start: config, subscribe",
    "",
    later,
  ),
  "placement-host-address": text("Placement service", "", later),
  "scheduler-host-address": list("Scheduler service", later),
  "scheduler-job-streams": whole("Scheduler connections", 3, later),
  "actors-disseminate-timeout": text("Placement time limit", "30s", later),
  "control-plane-address": text("Operator, in kubernetes mode"),
  "control-plane-trust-domain": text("Trust domain", "localhost", later),
  "control-plane-namespace": text(
    "Namespace of the control plane",
    "default",
    later,
  ),
  "sentry-address": text("Certificate authority", "", later),
  "sentry-request-jwt-audiences": list("Audiences of requested tokens", later),
  "enable-mtls": flag("Mutual TLS between sidecars", false, later),
  "app-binding-options-timeout": time(
    "Time the app may take to answer OPTIONS for a binding",
    3000,
    1e-6,
  ),
  "hot-reload-reconcile-interval": time(
    "Resource folders are read again so often, changed or not; 0 is 60 s",
    0,
    1e-6,
    {
      parse(v) {
        const ms = parseDurationMs(v, 1e-6);
        if (ms !== 0 && ms < 1000)
          throw new Error(`"${v}" is neither 0 nor at least 1s`);
        return ms;
      },
    },
  ),
  version: flag("Print the runtime version and exit"),
  "build-info": flag("Print the build and exit"),
  wait: flag(
    "Wait until the sidecar at --dapr-http-port is ready for output, 60 s at most",
  ),
  help: flag("Print this help and exit"),
  "app-ssl": flag("TLS to the app", false, {
    deprecated: 'app-protocol" flag with values "https" or "grpcs',
  }),
  "disable-builtin-k8s-secret-store": flag(
    "No secret store kubernetes in kubernetes mode unless a component makes it",
  ),
  "reminders-service": text("Actor reminders", "", later),
  "actors-service": text("Actors", "", later),
} satisfies Record<string, Flag<never> | Flag<unknown>>;

type Table = typeof table;
export type Flags = {
  [K in keyof Table]: Table[K] extends Flag<infer T> ? T : never;
};

export interface ParsedFlags {
  flags: Flags;
  /** Names given on the command line. */
  given: Set<keyof Table>;
}

/** Reads argv; `-x` and `--x` are the same, `--x=v` and `--x v` too. Throws {@link FlagError}. */
export function parseFlags(argv: readonly string[]): ParsedFlags {
  const values: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) values[name] = spec.default;
  const given = new Set<keyof Table>();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const match = /^--?([^=]+)(?:=([\s\S]*))?$/.exec(word);
    if (!match || !word.startsWith("-"))
      throw new FlagError(
        `unexpected argument "${word}"; daprd takes flags only`,
      );
    const name = match[1] as keyof Table;
    const spec = Object.hasOwn(table, name)
      ? (table[name] as Flag<unknown>)
      : undefined;
    if (!spec) {
      const near = Object.keys(table).find(
        (known) => editDistance(known, name) <= 2,
      );
      throw new FlagError(
        `unknown flag: --${name}${near ? `; did you mean --${near}?` : ""}`,
      );
    }
    let value = match[2];
    if (value === undefined) {
      if (spec.boolean) value = "true";
      else if ((value = argv[++i]) === undefined)
        throw new FlagError(`flag needs an argument: --${name}`);
    }
    let parsed: unknown;
    try {
      parsed = spec.parse(value);
    } catch (error) {
      throw new FlagError(
        `invalid argument "${value}" for "--${name}": ${(error as Error).message}`,
      );
    }
    values[name] =
      spec.repeatable && given.has(name)
        ? [...(values[name] as string[]), ...(parsed as string[])]
        : parsed;
    given.add(name);
  }
  return { flags: values as Flags, given };
}

/** Given flags whose capability is still to come. */
export const notActedUpon = ({ given }: ParsedFlags): string[] =>
  [...given]
    .filter((name) => (table[name] as Flag<unknown>).later)
    .map((name) => `--${name}`);

/** Given flags that have a newer name, with it. */
export const deprecatedFlags = ({ given }: ParsedFlags): [string, string][] =>
  [...given].flatMap((name) => {
    const newer = (table[name] as Flag<unknown>).deprecated;
    return newer ? [[name, newer] as [string, string]] : [];
  });

export function help(): string {
  const lines = Object.entries(table as Record<string, Flag<unknown>>)
    .filter(([, spec]) => !spec.deprecated)
    .map(([name, spec]) => {
      const value = spec.default;
      const shown =
        value === undefined ||
        value === "" ||
        value === false ||
        (Array.isArray(value) && !value.length)
          ? ""
          : ` (default ${String(value)})`;
      return `  --${name.padEnd(36)}${spec.about}${shown}${spec.later ? " [not acted upon yet]" : ""}`;
    });
  return `Usage: daprd --app-id ID [flags]\n\nThe sidecar beside one app.\n\nFlags:\n${lines.join("\n")}\n`;
}
