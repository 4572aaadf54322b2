/** How to reach a PostgreSQL: the metadata that all PostgreSQL components share. */
import { availableParallelism } from "node:os";
import type { ConnectionOptions } from "node:tls";
import {
  bool,
  duration,
  MetadataError,
  number,
  orNegative,
  text,
  type MetadataValues,
} from "../../../contracts/metadata.ts";
import { parseDurationMs } from "../../../shared/units.ts";
import { trustSystemAuthorities } from "../../../net/trusted-authorities.ts";
import {
  maxSettingsBytes,
  readRegular,
  whyUnread,
} from "../../../shared/files/read-regular.ts";
import { isHost } from "../host-port.ts";
import { parseConnectionString } from "./connection-string.ts";

const queryModes = [
  "cache_statement",
  "cache_describe",
  "describe_exec",
  "exec",
  "simple_protocol",
];

export const postgresMetadata = {
  connectionString: text(
    "URL (`postgres://user:password@host/database?sslmode=require`) or key=value pairs as libpq reads them; the properties below go before it.",
    { secret: true, aliases: ["url"] },
  ),
  host: text("Server, or the folder of its Unix socket."),
  port: text("Its port."),
  user: text("User to log in as."),
  password: text("Its password.", { secret: true }),
  database: text("Database to use."),
  sslRootCert: text("File of the authority's PEM certificates."),
  timeout: duration(
    "How long connecting, waiting for a free connection, or one statement may take; 1s or more.",
    {
      default: 20_000,
      aliases: ["timeoutInSeconds"],
    },
  ),
  maxConns: number(
    "Most connections at a time; 1 or less, as absent: 4 or one per CPU.",
    { least: orNegative },
  ),
  connectionMaxIdleTime: duration(
    "Close a connection unused for this long; 0 or less: 30m.",
    { least: orNegative, default: 0 },
  ),
  queryExecMode: text(
    "`cache_statement` (default) prepares each statement once per connection; `cache_describe`, `describe_exec`, `exec` and `simple_protocol` do not, as a pooler between needs it.",
  ),
  useAzureAD: bool("Not supported.", { default: false }),
  useAWSIAM: bool("Not supported.", { default: false }),
};

export interface PostgresServer {
  host: string;
  port: number;
  user: string | undefined;
  password: string | undefined;
  database: string | undefined;
  tls: ConnectionOptions | undefined;
  /** Whether to go on without TLS if the server has none (sslmode prefer). */
  tlsIsOptional: boolean;
  applicationName: string | undefined;
  /** `-c name=value …`, set for every session. */
  options: string | undefined;
  timeoutMs: number;
  maxConnections: number;
  idleMs: number;
  /** Whether statements are prepared and kept by name. */
  prepares: boolean;
  /** Whether each session gets a statement_timeout. Not if a pooler shares sessions, or the user sets one. */
  limitsStatements: boolean;
}

/** Reads the settings. Throws a {@link MetadataError}, which never quotes the connection string. */
export function postgresServer(
  meta: MetadataValues<typeof postgresMetadata>,
): PostgresServer {
  const { connectionString, queryExecMode } = meta;
  for (const name of ["useAzureAD", "useAWSIAM"] as const)
    if (meta[name])
      throw new MetadataError(
        `postgresql: ${name} is not supported; use a password or a client certificate`,
      );
  if (!connectionString && !meta.host)
    throw new MetadataError("missing connection string");
  if (meta.timeout < 1000)
    throw new MetadataError(
      "invalid value for 'timeout': must be greater than 1s",
    );
  if (queryExecMode && !queryModes.includes(queryExecMode))
    throw new MetadataError(
      `invalid queryExecMode metadata value: ${queryExecMode}; known: ${queryModes.join(", ")}`,
    );
  const given = parseConnectionString(connectionString ?? "");
  const take = (name: string, before?: string): string | undefined => {
    const value = before ?? given.get(name);
    given.delete(name);
    return value || undefined;
  };
  const host = take("host", meta.host) ?? "localhost";
  if (host.includes(","))
    throw new MetadataError("postgresql: one host only, not a list");
  // It is not quoted: it may be a whole connection string, or a login.
  if (!isHost(host) && !/^\/[^=;@?\s]*$/.test(host))
    throw new MetadataError(
      "postgresql: the host is no host name, no IP address and no folder of a socket; a login and a port have properties of their own",
      undefined,
      meta.host ? "host" : "connectionString",
    );
  const port = Number(take("port", meta.port) ?? 5432);
  if (!(port > 0 && port < 65_536))
    throw new MetadataError("postgresql: the port is not a port");
  const connectSeconds = Number(take("connect_timeout") ?? 0);
  const poolSize = Number(take("pool_max_conns") ?? 0);
  const poolIdle = take("pool_max_conn_idle_time");
  const prepares = !queryExecMode || queryExecMode === "cache_statement";
  const server = {
    host,
    port,
    user: take("user", meta.user),
    password: take("password", meta.password),
    database: take("dbname", meta.database),
    ...tlsOf(take, meta.sslRootCert),
    applicationName: take("application_name"),
    timeoutMs: connectSeconds > 0 ? connectSeconds * 1000 : meta.timeout,
    maxConnections:
      (meta.maxConns ?? 0) > 1
        ? meta.maxConns!
        : poolSize || Math.max(4, availableParallelism()),
    idleMs:
      meta.connectionMaxIdleTime > 0
        ? meta.connectionMaxIdleTime
        : poolIdle
          ? idleTime(poolIdle)
          : 30 * 60_000,
    prepares,
    limitsStatements:
      prepares &&
      !given.has("statement_timeout") &&
      !given.get("options")?.includes("statement_timeout"),
  };
  return { ...server, options: sessionOptions(given) };
}

function idleTime(written: string): number {
  try {
    return parseDurationMs(written, 1000);
  } catch {
    throw new MetadataError(
      "postgresql: pool_max_conn_idle_time is not a duration such as 30s or 5m",
      undefined,
      "connectionString",
    );
  }
}

type Take = (name: string, before?: string) => string | undefined;

/** libpq's sslmode; `prefer` if none is given. */
function tlsOf(
  take: Take,
  rootCertificate: string | undefined,
): Pick<PostgresServer, "tls" | "tlsIsOptional"> {
  const mode = take("sslmode") ?? "prefer";
  const [ca, cert, key] = [
    readPem("sslrootcert", take("sslrootcert", rootCertificate)),
    readPem("sslcert", take("sslcert")),
    readPem("sslkey", take("sslkey")),
  ];
  const files = {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  };
  if (!ca && mode.startsWith("verify-")) trustSystemAuthorities();
  switch (mode) {
    case "disable":
    case "allow":
      return { tls: undefined, tlsIsOptional: false };
    case "prefer":
    case "require": {
      // If an authority is given, `require` checks the certificate, as in libpq.
      const tls =
        mode === "require" && ca
          ? { ...files, checkServerIdentity: () => undefined }
          : { ...files, rejectUnauthorized: false };
      return { tls, tlsIsOptional: mode === "prefer" };
    }
    case "verify-ca":
      return {
        tls: { ...files, checkServerIdentity: () => undefined },
        tlsIsOptional: false,
      };
    case "verify-full":
      return { tls: files, tlsIsOptional: false };
    default:
      throw new MetadataError(
        `postgresql: sslmode is not one of disable, allow, prefer, require, verify-ca, verify-full`,
        undefined,
        "connectionString",
      );
  }
}

function readPem(name: string, file: string | undefined): string | undefined {
  if (!file) return undefined;
  try {
    return readRegular(file, maxSettingsBytes);
  } catch (error) {
    throw new MetadataError(
      `postgresql: the file of ${name} can't be read (${whyUnread(error)})`,
    );
  }
}

/** All other parameters are settings of the session (`search_path=orders`), as in pgx. */
function sessionOptions(given: Map<string, string>): string | undefined {
  const own = given.get("options");
  const settings = [...given]
    .filter(([name]) => name !== "options" && !notSettings.test(name))
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\ ]/g, "\\$&")}`);
  const all = own ? [own, ...settings] : settings;
  return all.length > 0 ? all.join(" ") : undefined;
}

const notSettings =
  /^(pool_|target_session_attrs$|default_query_exec_mode$|statement_cache_capacity$|description_cache_capacity$|sslsni$|sslpassword$|ssl(negotiation|crl)$|krb|gss|channel_binding$|passfile$|service|keepalives|client_encoding$|fallback_application_name$)/;
