/** The properties of pubsub.mqtt3 (docs/pubsub-mqtt3.md). */
import {
  MetadataError,
  bool,
  number,
  text,
  type MetadataValues,
} from "../../../contracts/metadata.ts";
import { formatHostPort } from "../../clients/host-port.ts";
import type { MqttServer } from "../../clients/mqtt/client.ts";
import { tlsOptions } from "../../clients/tls.ts";

export const metadata = {
  url: text(
    "`mqtt://user:password@host:1883`; `mqtts`, `ssl`, `tls` or `tcps` (port 8883) for TLS; `ws` or `wss` for a WebSocket.",
    { required: true, missing: "missing url", secret: true },
  ),
  consumerID: text(
    "The client ID, by which the server knows its subscriptions: no two sidecars may have the same; absent: the app ID.",
  ),
  qos: number(
    "0: a message may be lost; 1: it arrives at least once; 2: the server stores it once. Subscriptions use 1 at most.",
    { default: 1 },
  ),
  retain: bool(
    "The server keeps the last message of a topic for whoever subscribes later.",
    {
      default: false,
    },
  ),
  cleanSession: bool(
    "The server forgets subscriptions and their messages when the connection ends.",
    { default: false },
  ),
  caCert: text("Authority of the server's certificate, PEM or a file."),
  clientCert: text("Client certificate, PEM or a file."),
  clientKey: text("Its key, PEM or a file.", { secret: true }),
};

type Mqtt3Metadata = MetadataValues<typeof metadata>;

const protocols: Record<string, [MqttServer["protocol"], port: number]> = {
  mqtt: ["mqtt", 1883],
  tcp: ["mqtt", 1883],
  mqtts: ["mqtts", 8883],
  ssl: ["mqtts", 8883],
  tls: ["mqtts", 8883],
  tcps: ["mqtts", 8883],
  ws: ["ws", 80],
  wss: ["wss", 443],
};

/** Throws on settings that can't be used; no message has the password. */
export function serverOf(meta: Mqtt3Metadata, appId: string): MqttServer {
  if (![0, 1, 2].includes(meta.qos))
    throw wrong(`metadata 'qos': ${meta.qos} is not 0, 1 or 2`);
  let url, username, password;
  try {
    url = new URL(meta.url);
    username = decodeURIComponent(url.username);
    password = decodeURIComponent(url.password);
  } catch {
    // The text is not quoted: it may hold a password.
    throw wrong(
      "metadata 'url': write mqtt://user:password@host:1883, with % escapes for signs such as @ and / in the login",
    );
  }
  const known = protocols[url.protocol.slice(0, -1)];
  if (!known)
    throw wrong(
      `metadata 'url': the scheme is none of ${Object.keys(protocols).join(", ")}`,
    );
  const [protocol, standardPort] = known;
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
  const port = Number(url.port) || standardPort;
  return {
    at: formatHostPort(host, port),
    protocol,
    host,
    port,
    path: `${url.pathname || "/"}${url.search}`,
    login: {
      ...(username === "" ? {} : { username }),
      ...(password === "" ? {} : { password }),
    },
    tls,
    clientId: meta.consumerID ?? appId,
    cleanSession: meta.cleanSession,
  };
}

const wrong = (text: string) =>
  new MetadataError(`mqtt pub/sub error: ${text}`);
