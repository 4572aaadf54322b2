/** Translates between what is published, what RabbitMQ carries and what a subscription gets. */
import type { ConsumeMessage, Options } from "amqplib";
import type {
  PublishRequest,
  TopicMessage,
} from "../../../contracts/pubsub.ts";
import type { RabbitMetadata } from "./metadata.ts";

/** These are properties of an AMQP message, and no headers. */
const own = [
  "routingKey",
  "ttlInSeconds",
  "priority",
  "contentType",
  "messageID",
  "correlationID",
  "type",
];

/** Throws if it is longer than the protocol's short strings are. */
export function checkShort(what: string, text: string | undefined): void {
  const bytes = Buffer.byteLength(text ?? "");
  if (bytes > 255)
    throw new Error(
      `rabbitmq pub/sub error: ${what} ${JSON.stringify(`${text!.slice(0, 40)}…`)} has ${bytes} bytes, and RabbitMQ takes at most 255`,
    );
}

/** Throws on metadata that can't be followed. */
export function toOptions(
  { metadata, contentType }: PublishRequest,
  meta: RabbitMetadata,
): Options.Publish {
  const ttl = wholeOf(metadata, "ttlInSeconds", 1, 2 ** 31);
  const ttlSeconds = ttl ?? meta.ttlInSeconds;
  const headers = Object.fromEntries(
    Object.entries(metadata).filter(([name]) => !own.includes(name)),
  );
  const type = metadata["contentType"] ?? contentType;
  for (const name in headers) checkShort("the name of metadata", name);
  for (const name of ["routingKey", "messageID", "correlationID", "type"])
    checkShort(`metadata '${name}'`, metadata[name]);
  checkShort("the content type", type);
  return {
    headers,
    contentType: type,
    deliveryMode: meta.deliveryMode,
    expiration: ttlSeconds === undefined ? undefined : ttlSeconds * 1000,
    priority: wholeOf(metadata, "priority", 0, 255),
    messageId: metadata["messageID"],
    correlationId: metadata["correlationID"],
    type: metadata["type"],
  };
}

/** A whole number in a message's or a subscription's metadata. Throws if it is none. */
export function wholeOf(
  metadata: Record<string, string>,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = metadata[name];
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < least || value > most)
    throw new Error(
      `rabbitmq pub/sub error: metadata '${name}': "${text}" is not a whole number from ${least} to ${most}`,
    );
  return value;
}

export function toMessage(
  topic: string,
  { content, properties }: ConsumeMessage,
  withProperties: boolean,
): TopicMessage {
  const { contentType, messageId, correlationId, type } = properties;
  const headers = headersOf(properties.headers);
  return {
    topic,
    data: content,
    ...(contentType === undefined ? {} : { contentType }),
    metadata: {
      ...Object.fromEntries(headers),
      ...(withProperties && {
        ...defined({
          "metadata.messageid": messageId,
          "metadata.correlationid": correlationId,
          "metadata.type": type,
          "metadata.contenttype": contentType,
        }),
        ...Object.fromEntries(
          headers.map(([name, value]) => [`metadata.${name}`, value]),
        ),
      }),
    },
  };
}

/** Those with text, a number or a yes; RabbitMQ's own `x-death` is none of these. */
const headersOf = (headers: object | undefined): [string, string][] =>
  Object.entries(headers ?? {})
    .filter(([, value]) =>
      ["string", "number", "boolean"].includes(typeof value),
    )
    .map(([name, value]) => [name, String(value)]);

const defined = (values: Record<string, string | undefined>) =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
