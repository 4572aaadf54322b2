/** The server and the login, as a component's metadata say them. */
import type { ConnectionOptions } from "node:tls";
import {
  MetadataError,
  bool,
  choice,
  duration,
  text,
  type MetadataValues,
} from "../../../contracts/metadata.ts";
import { formatHostPort } from "../host-port.ts";
import { tlsOptions } from "../tls.ts";

/** Spread it into the table. */
export const serverMetadata = {
  connectionString: text(
    "`amqp://user:password@host:5672/vhost`, or `amqps://…`; absent: the next four.",
    { secret: true, aliases: ["host"] },
  ),
  protocol: choice(["amqp", "amqps"])(
    "`amqps` is TLS; with a connectionString it must be the same.",
  ),
  hostname: text("The server, with a port if it is not 5672 (TLS: 5671).", {
    default: "localhost",
  }),
  username: text("Absent: `guest`."),
  password: text("Absent: `guest`, if there is no username.", {
    secret: true,
  }),
  reconnectWaitSeconds: duration(
    "Longest pause between tries to connect; the first one is short.",
    { default: 3000 },
  ),
  heartBeat: duration(
    "A server that is silent for twice as long is taken for dead.",
    { default: 10_000 },
  ),
  clientName: text("Name of the connection at the server."),
  caCert: text("Authority of the server's certificate, PEM or a file."),
  clientCert: text("Client certificate, PEM or a file."),
  clientKey: text("Its key, PEM or a file.", { secret: true }),
  saslExternal: bool(
    "The client certificate is the login; needs all three of them.",
    { default: false },
  ),
};

export interface RabbitServer {
  /** host:port, for messages. */
  at: string;
  tls: ConnectionOptions | undefined;
  host: string;
  port: number;
  vhost: string;
  /** Undefined: the client certificate is the login. */
  login: { username: string; password: string } | undefined;
  clientName: string | undefined;
  heartbeatSeconds: number;
  mostPauseMs: number;
}

/** Throws on settings that can't be used; no message has the password. */
export function serverOf(
  meta: MetadataValues<typeof serverMetadata>,
): RabbitServer {
  const url = addressOf(meta);
  const isTls = url.protocol === "amqps:";
  const { caCert, clientCert, clientKey, saslExternal } = meta;
  if (saslExternal && !(caCert && clientCert && clientKey))
    throw wrong(
      "'saslExternal' needs all of 'caCert', 'clientCert' and 'clientKey'",
    );
  if (saslExternal && !isTls)
    throw wrong("'saslExternal' needs TLS: use the protocol amqps");
  let tls;
  try {
    tls = tlsOptions(meta, {
      ca: "caCert",
      cert: "clientCert",
      key: "clientKey",
    });
  } catch (error) {
    throw wrong((error as Error).message);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "") || "localhost";
  const port = Number(url.port) || (isTls ? 5671 : 5672);
  const hasLogin = url.username !== "" || url.password !== "";
  return {
    at: formatHostPort(host, port),
    tls: isTls ? tls : undefined,
    host,
    port,
    vhost: decodeURIComponent(url.pathname.slice(1)) || "/",
    login: saslExternal
      ? undefined
      : {
          username: hasLogin ? decodeURIComponent(url.username) : "guest",
          password: hasLogin ? decodeURIComponent(url.password) : "guest",
        },
    clientName: meta.clientName,
    // 0 turns it off.
    heartbeatSeconds: Math.ceil(Math.max(0, meta.heartBeat) / 1000),
    mostPauseMs: Math.max(100, meta.reconnectWaitSeconds),
  };
}

function addressOf(meta: MetadataValues<typeof serverMetadata>): URL {
  const { connectionString, protocol, hostname, username, password } = meta;
  const of = (value: string) => {
    try {
      const url = new URL(value);
      decodeURIComponent(`${url.username}${url.password}${url.pathname}`);
      return url;
    } catch {
      return undefined;
    }
  };
  if (connectionString === undefined) {
    const url = of(`${protocol ?? "amqp"}://${hostname}`);
    if (!url || url.pathname.length > 1 || url.search || url.username)
      throw wrong("'hostname' is not a host or host:port");
    url.username = encodeURIComponent(username ?? "");
    url.password = encodeURIComponent(password ?? "");
    return url;
  }
  const url = of(connectionString);
  // The text is not quoted: it may hold a password.
  if (!url || !/^amqps?:$/.test(url.protocol))
    throw wrong(
      "invalid connection string: write amqp://user:password@host:5672/vhost, with % escapes for signs such as @ and / in the login",
    );
  if (protocol !== undefined && `${protocol}:` !== url.protocol)
    throw wrong(
      `protocol does not match connection string: one says ${protocol}, the other ${url.protocol.slice(0, -1)}`,
    );
  return url;
}

const wrong = (text: string) =>
  new MetadataError(`rabbitmq pub/sub error: ${text}`);
