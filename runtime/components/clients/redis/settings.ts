/**
 * How to reach a Redis: the metadata that all Redis components share
 * (docs/protocol/redis.md) and its rules, those of the original's `kit/config`: booleans
 * as Go reads them, a bare number is milliseconds, -1 switches a limit off.
 */
import type { ConnectionOptions } from "node:tls";
import type { Logger } from "../../../shared/log.ts";
import {
  orNegative,
  choice,
  durationMs,
  MetadataError,
  number,
  text,
  type MetadataValues,
  type Property,
} from "../../../contracts/metadata.ts";
import { trustSystemAuthorities } from "../../../net/trusted-authorities.ts";
import { formatHostPort, isHost } from "../host-port.ts";

/** 1, t, T, true, True, TRUE and their opposites; `yes` is an error, unlike elsewhere. */
function goBool(about: string): Property<boolean> {
  return {
    about,
    kind: "bool",
    default: false,
    parse(value) {
      if (/^(1|t|T|true|True|TRUE)$/.test(value)) return true;
      if (/^(0|f|F|false|False|FALSE)$/.test(value)) return false;
      throw new Error(`"${value}" is not a bool: write true or false`);
    },
  };
}

/** Accepted without effect: there is only one connection, and no pool. */
const noEffect = "Accepted and without effect: one connection serves all.";

export const redisMetadata = {
  redisHost: text(
    "host or host:port; a comma list for a cluster or for sentinels (port 26379).",
    { default: "" },
  ),
  redisPort: text("Port, if redisHost names none; absent: 6379.", {
    default: "",
  }),
  redisUsername: text("User of Redis 6 and later."),
  redisPassword: text("Its password.", { secret: true }),
  redisDB: number("Database that is selected; not in a cluster.", {
    default: 0,
  }),
  redisType: choice(["node", "cluster"])("One server, or a cluster.", {
    default: "node",
  }),
  failover: goBool("redisHost names sentinels, which know the server."),
  sentinelMasterName: text("Name of the server among the sentinels."),
  sentinelUsername: text("User at the sentinels."),
  sentinelPassword: text("Password at the sentinels.", { secret: true }),
  enableTLS: goBool("Speak TLS."),
  insecureSkipTLSVerify: goBool(
    "Do not check the server's certificate; warns.",
  ),
  clientCert: text("PEM certificate to log in with."),
  clientKey: text("Its PEM key.", { secret: true }),
  redisMaxRetries: number(
    "How many attempts to reach the server a request waits for; -1: none. What was sent is never sent again.",
    { least: orNegative, default: 3, aliases: ["maxRetries"] },
  ),
  redisMinRetryInterval: durationMs(
    "First pause between attempts; -1: as short as can be.",
    {
      least: orNegative,
      default: 8,
    },
  ),
  redisMaxRetryInterval: durationMs(
    "Longest pause between attempts; -1: as short as can be.",
    {
      least: orNegative,
      default: 512,
    },
  ),
  maxRetryBackoff: number(
    "redisMinRetryInterval in nanoseconds (older form).",
    { least: orNegative },
  ),
  dialTimeout: durationMs("How long one attempt to connect may take.", {
    default: 5000,
  }),
  readTimeout: durationMs(
    "Silence after which the connection is given up; -1: no limit.",
    { least: orNegative, default: 3000 },
  ),
  writeTimeout: durationMs(
    "As readTimeout, and by default that; the longer of both counts.",
    { least: orNegative },
  ),
  poolSize: text(noEffect),
  minIdleConns: text(noEffect),
  poolTimeout: text(noEffect),
  maxConnAge: text(noEffect),
  idleTimeout: text(noEffect),
  idleCheckFrequency: text(noEffect),
  useEntraID: goBool("Not supported."),
  useOIDC: goBool("Not supported."),
};

export interface RedisAddress {
  host: string;
  port: number;
}

export interface RedisServer {
  kind: "node" | "cluster" | "sentinel";
  /** One server, or the given members of the cluster or sentinels. */
  addresses: RedisAddress[];
  /** As the user wrote it, for messages. */
  at: string;
  username: string | undefined;
  password: string | undefined;
  db: number;
  sentinel: {
    name: string;
    username: string | undefined;
    password: string | undefined;
  };
  tls: ConnectionOptions | undefined;
  /** How many failed attempts a request waits for. */
  retries: number;
  /** The pause before the nth attempt (from 1) to connect again. */
  pauseMs(attempt: number): number;
  dialTimeoutMs: number;
  /** The longest silence while an answer is due; undefined = no limit. */
  answerTimeoutMs: number | undefined;
}

/** Reads the settings. Throws a {@link MetadataError} if they contradict each other or can't be met. */
export function redisServer(
  meta: MetadataValues<typeof redisMetadata>,
  log: Logger,
): RedisServer {
  for (const name of ["useEntraID", "useOIDC"] as const)
    if (meta[name])
      throw new MetadataError(
        `redis: ${name} is not supported; use redisUsername and redisPassword`,
      );
  if (meta.redisHost === "") throw new MetadataError("missing redisHost");
  if (meta.failover && meta.redisType === "cluster")
    throw new MetadataError(
      "redis: failover goes with redisType node; a cluster fails over by itself",
    );
  if (meta.failover && !meta.sentinelMasterName)
    throw new MetadataError("redis: failover needs sentinelMasterName");
  const kind = meta.failover
    ? "sentinel"
    : meta.redisType === "cluster"
      ? "cluster"
      : "node";
  if (!Number.isInteger(meta.redisDB) || meta.redisDB < 0)
    throw new MetadataError(
      `metadata 'redisDB': "${meta.redisDB}" is not a database number`,
    );
  const hosts =
    kind === "node" ? [meta.redisHost] : meta.redisHost.split(",").map(trim);
  const addresses = hosts.map((host) =>
    addressOf(host, meta.redisPort, kind === "sentinel" ? 26379 : 6379),
  );
  return {
    kind,
    addresses,
    at: addresses.map(({ host, port }) => formatHostPort(host, port)).join(","),
    username: meta.redisUsername,
    password: meta.redisPassword,
    db: meta.redisDB,
    sentinel: {
      name: meta.sentinelMasterName ?? "",
      username: meta.sentinelUsername,
      password: meta.sentinelPassword,
    },
    tls: tlsOf(meta, log),
    retries: Math.max(0, meta.redisMaxRetries),
    pauseMs: pauses(meta),
    dialTimeoutMs: meta.dialTimeout > 0 ? meta.dialTimeout : 5000,
    answerTimeoutMs: answerTimeout(meta.readTimeout, meta.writeTimeout),
  };
}

const trim = (part: string) => part.trim();

/** `host`, `host:port` or `[::1]:port`; a port in two places must be the same. */
function addressOf(
  written: string,
  redisPort: string,
  defaultPort: number,
): RedisAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(written);
  const [, ipv6, name, port] = match ?? [];
  const host = ipv6 ?? (name || "localhost");
  // The text is not quoted: it may be a URL or a connection string with a password.
  if (!match || written === "" || !isHost(host))
    throw new MetadataError(
      "redis: redisHost is not host or host:port; login, database and TLS have properties of their own",
      undefined,
      "redisHost",
    );
  if (port && redisPort && port !== redisPort)
    throw new MetadataError(
      "redis: redisHost and redisPort name different ports",
    );
  const chosen = Number(port ?? (redisPort || defaultPort));
  if (!(chosen > 0 && chosen < 65_536))
    throw new MetadataError(
      `redis: the port in ${port ? "redisHost" : "redisPort"} is not a port`,
    );
  return { host, port: chosen };
}

function tlsOf(
  meta: MetadataValues<typeof redisMetadata>,
  log: Logger,
): ConnectionOptions | undefined {
  if (!meta.enableTLS) return undefined;
  if (meta.insecureSkipTLSVerify)
    log.warn(
      "redis: insecureSkipTLSVerify is true: anybody between here and Redis can read and change everything",
    );
  else trustSystemAuthorities(log);
  return {
    rejectUnauthorized: !meta.insecureSkipTLSVerify,
    // Both or neither, as in the original.
    ...(meta.clientCert && meta.clientKey
      ? { cert: meta.clientCert, key: meta.clientKey }
      : {}),
  };
}

/** Doubles from the first pause up to the longest; a negative pause is none. */
function pauses(
  meta: MetadataValues<typeof redisMetadata>,
): RedisServer["pauseMs"] {
  const first = Math.max(
    1,
    meta.maxRetryBackoff === undefined
      ? meta.redisMinRetryInterval
      : meta.maxRetryBackoff / 1e6,
  );
  const longest = Math.max(1, meta.redisMaxRetryInterval);
  return (attempt) => Math.min(longest, first * 2 ** Math.min(attempt - 1, 20));
}

function answerTimeout(read: number, write = read): number | undefined {
  if (read < 0 || write < 0) return undefined;
  return Math.max(read, write) || 3000; // 0 = the default
}
