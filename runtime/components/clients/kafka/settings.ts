/**
 * The properties that all Kafka components share, as the original documents them: how to reach the brokers,
 * how to write, how to read. Each component spreads the tables into its own.
 */
import type { MetadataItem } from "../../../contracts/metadata.ts";
import {
  bool,
  choice,
  duration,
  durationMs,
  list,
  MetadataError,
  number,
  parseMetadata,
  size,
  text,
  type MetadataTable,
  type MetadataValues,
  type Property,
} from "../../../contracts/metadata.ts";
import { isHost } from "../host-port.ts";
import { redeliveryMetadata } from "../../retry.ts";
import {
  compressions,
  supportedCompressions,
} from "./protocol/record-batch.ts";

const strategies = ["range", "roundrobin", "sticky"] as const;

export const kafkaServerMetadata = {
  brokers: list(
    "Brokers to begin with, comma-separated host:port; the port may be left out (9092). Required",
    {
      default: [],
    },
  ),
  clientID: text("Name shown to the brokers", { default: "sarama" }),
  version: text("Protocol version; agreed with the broker instead"),

  authType: text(
    "`none`, `password`, `certificate`, `mtls` or `oidc`; TLS is on for all but `none`. Required",
  ),
  authRequired: text("Older form of authType: true or false"),
  saslUsername: text("User for authType password"),
  saslPassword: text("Password for authType password", { secret: true }),
  saslMechanism: text("`PLAIN` (default), `SHA-256` or `SHA-512`"),
  oidcTokenEndpoint: text("Where tokens come from"),
  oidcClientID: text("Client at the token endpoint"),
  oidcClientSecret: text("Its secret", { secret: true }),
  oidcScopes: list("Scopes asked for", { default: ["openid"] }),
  oidcExtensions: text("JSON object sent along with the token"),
  caCert: text("Certificate authority, PEM; without it the system's count"),
  clientCert: text("Client certificate, PEM"),
  clientKey: text("Client key, PEM", { secret: true }),
  disableTls: bool("No TLS although authType is not none", { default: false }),
  skipVerify: bool("Do not check the broker's certificate", { default: false }),

  dialTimeout: duration(
    "Limit for connecting to one broker; then the next one is tried",
    {
      default: 5000,
    },
  ),
  readTimeout: duration(
    "General limit for an answer; fetch and produce have shorter ones",
    { default: 30_000 },
  ),
  writeTimeout: duration("Limit for a request", { default: 30_000 }),
  metadataTimeout: duration("Accepted; dialTimeout and readTimeout apply"),
  clientConnectionTopicMetadataRefreshInterval: duration(
    "Who leads is looked up anew when needed; readers look each 30 s at least",
    { default: 8 * 60_000 },
  ),
  clientConnectionKeepAliveInterval: duration("TCP keep-alive; 0 = 15 s", {
    default: 0,
  }),
  schemaRegistryURL: text("Not supported: ends the start"),
};

export const kafkaProducerMetadata = {
  maxMessageBytes: size("Largest message to write", { default: 1024 * 1024 }),
  compression: choice(compressions)("Compression of what is written", {
    default: "none",
  }),
  producerRequiredAcks: choice(["all", "local", "none"])(
    "Who must have a message before it counts as written",
    { default: "all" },
  ),
  producerRetryMax: number("Times a batch is sent again; default: no limit"),
  deliveryTimeout: duration(
    "A message that is not stored after this time fails",
    { default: 20_000 },
  ),
};

export const kafkaConsumerMetadata = {
  initialOffset: choice(["newest", "oldest"])(
    "Where a group without a position begins",
    { default: "newest" },
  ),
  consumeRetryInterval: durationMs("Pause before joining the group again", {
    default: 100,
  }),
  ...redeliveryMetadata,
  heartbeatInterval: duration("Sign of life to the group", { default: 3000 }),
  sessionTimeout: duration("Without one for so long a reader is out", {
    default: 10_000,
  }),
  consumerGroupRebalanceStrategy: strategy(
    "`range`, `roundrobin` or `sticky`; another word means `range`",
  ),
  consumerFetchMin: number("Bytes a broker waits for", { default: 1 }),
  consumerFetchDefault: number("Bytes read at once from a partition", {
    default: 1024 * 1024,
  }),
  channelBufferSize: number("Accepted; bytes limit what is read ahead"),
  escapeHeaders: bool("URL-escape key and header values for the app", {
    default: false,
  }),
  excludeHeaderMetaRegex: regex("Headers whose name matches are left out"),
};

/** Checks what concerns several properties. Throws on what can't work; `table` is the component's whole table. */
export function checkKafka(
  meta: MetadataValues<
    typeof kafkaServerMetadata &
      typeof kafkaProducerMetadata &
      typeof kafkaConsumerMetadata
  >,
  items: readonly MetadataItem[],
  table: MetadataTable,
): void {
  const at = (name: string) =>
    items.find((item) => item.name.toLowerCase() === name.toLowerCase())?.at;
  const fail = (name: string, message: string): never => {
    throw new MetadataError(`kafka error: ${message}`, at(name));
  };
  if (meta.brokers.length === 0) missingBrokers(items, table);
  if (meta.schemaRegistryURL)
    fail(
      "schemaRegistryURL",
      "schema registries ('schemaRegistryURL') are not supported; send and read JSON",
    );
  if (!supportedCompressions.includes(meta.compression))
    fail(
      "compression",
      `compression '${meta.compression}' is not supported; supported: ${supportedCompressions.join(", ")}`,
    );
  const empty = meta.brokers.findIndex((broker) => broker.trim() === "");
  if (empty >= 0) fail("brokers", `broker ${empty + 1} of 'brokers' is empty`);
  // The text is not quoted: it may be a URL or a connection string with a password.
  const wrong = meta.brokers.findIndex((broker) => !isBroker(broker.trim()));
  if (wrong >= 0)
    fail(
      "brokers",
      `broker ${wrong + 1} of 'brokers' is not host or host:port; login and TLS have properties of their own (authType), an IPv6 address needs a name`,
    );
  if (meta.heartbeatInterval >= meta.sessionTimeout)
    fail(
      "heartbeatInterval",
      `heartbeatInterval (${meta.heartbeatInterval} ms) must be shorter than sessionTimeout (${meta.sessionTimeout} ms), best a third of it`,
    );
}

/** `host` or `host:port`. kafkajs splits an address at its colons, so an IPv6 address can't be given. */
function isBroker(written: string): boolean {
  const [host = "", port = "9092", ...more] = written.split(":");
  return (
    more.length === 0 &&
    isHost(host) &&
    /^\d{1,5}$/.test(port) &&
    Number(port) > 0 &&
    Number(port) < 65_536
  );
}

/** The original's words, with the shared parser's hint at a misspelt name. */
function missingBrokers(
  items: readonly MetadataItem[],
  table: MetadataTable,
): never {
  const brokers = list("", { required: true as const });
  try {
    parseMetadata({ ...table, brokers }, items);
  } catch (error) {
    const { message, at } = error as MetadataError;
    throw new MetadataError(`kafka error: ${message}`, at);
  }
  throw new MetadataError("kafka error: missing 'brokers' attribute");
}

function strategy(about: string): Property<(typeof strategies)[number]> {
  return {
    about,
    kind: "text",
    default: "range",
    parse: (written) =>
      strategies.find((known) => known === written.toLowerCase()) ?? "range",
  };
}

function regex(about: string): Property<RegExp | undefined> {
  return {
    about,
    kind: "regular expression",
    parse(written) {
      try {
        return new RegExp(written);
      } catch {
        throw new Error(`"${written}" is not a regular expression`);
      }
    },
  };
}
