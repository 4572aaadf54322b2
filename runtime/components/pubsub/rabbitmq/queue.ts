/** The exchanges and queues of topics and subscriptions, as the original creates them. */
import type { Channel } from "amqplib";
import { isTruthy } from "../../../shared/units.ts";
import { checkShort, wholeOf } from "./message.ts";
import type { RabbitMetadata } from "./metadata.ts";

export const declareExchange = (
  channel: Channel,
  exchange: string,
  meta: RabbitMetadata,
) =>
  channel.assertExchange(exchange, meta.exchangeKind, {
    durable: meta.durable,
    autoDelete: meta.deletedWhenUnused,
  });

/** What a subscription's metadata say of its queue. */
export interface QueueSettings {
  name: string;
  routingKeys: string[];
  arguments: Record<string, string | number | boolean>;
}

/** Throws on metadata that can't be followed. */
export function queueOf(
  topic: string,
  metadata: Record<string, string>,
  consumerID: string,
  meta: RabbitMetadata,
): QueueSettings {
  const type = metadata["queueType"] || "classic";
  if (type !== "classic" && type !== "quorum")
    throw new Error(
      `rabbitmq pub/sub error: invalid queue type ${type}. Valid types are classic and quorum`,
    );
  const name = metadata["queueName"] || `${consumerID}-${topic}`;
  const routingKeys = (metadata["routingKey"] ?? "").split(",");
  checkShort("topic", topic);
  // The longest name of one for dead letters.
  checkShort("queue", `dlx-${name}`);
  for (const key of routingKeys) checkShort("metadata 'routingKey'", key);
  const most = Number.MAX_SAFE_INTEGER;
  const maxPriority = wholeOf(metadata, "maxPriority", 0, most);
  return {
    name,
    routingKeys,
    arguments: {
      ...limits(meta),
      ...present("x-max-length", wholeOf(metadata, "maxLen", 0, most)),
      ...present(
        "x-max-length-bytes",
        wholeOf(metadata, "maxLenBytes", 0, most),
      ),
      ...(maxPriority === undefined
        ? {}
        : { "x-max-priority": Math.min(maxPriority, 255) }),
      ...(isTruthy(metadata["singleActiveConsumer"] ?? "")
        ? { "x-single-active-consumer": true }
        : {}),
      ...(meta.enableDeadLetter
        ? { "x-dead-letter-exchange": `dlx-${name}` }
        : {}),
      "x-queue-type": type,
    },
  };
}

const limits = ({ maxLen, maxLenBytes }: RabbitMetadata) => ({
  ...present("x-max-length", maxLen || undefined),
  ...present("x-max-length-bytes", maxLenBytes || undefined),
});

const present = (name: string, value: number | undefined) =>
  value === undefined ? {} : { [name]: value };

export async function declareQueue(
  channel: Channel,
  topic: string,
  queue: QueueSettings,
  meta: RabbitMetadata,
): Promise<void> {
  await declareExchange(channel, topic, meta);
  const autoDelete = meta.deletedWhenUnused;
  if (meta.enableDeadLetter) {
    const [exchange, name] = [`dlx-${queue.name}`, `dlq-${queue.name}`];
    await channel.assertExchange(exchange, "fanout", {
      durable: true,
      autoDelete,
    });
    await channel.assertQueue(name, {
      durable: true,
      autoDelete,
      arguments: { ...limits(meta), "x-queue-mode": "lazy" },
    });
    await channel.bindQueue(name, exchange, "");
  }
  await channel.assertQueue(queue.name, {
    durable: meta.durable,
    autoDelete,
    arguments: queue.arguments,
  });
  for (const key of queue.routingKeys)
    await channel.bindQueue(queue.name, topic, key);
}
