/** pubsub.rabbitmq: a topic is an exchange, and each group has a queue for it (docs/pubsub-rabbitmq.md). */
import { randomUUID } from "node:crypto";
import type { StopReading } from "../../../contracts/delivery.ts";
import { definePubSub } from "../../../contracts/pubsub.ts";
import { trustSystemAuthorities } from "../../../net/trusted-authorities.ts";
import { openRabbit } from "../../clients/rabbitmq/connection.ts";
import { startConsumer } from "../../clients/rabbitmq/consumer.ts";
import { createPublisher } from "../../clients/rabbitmq/publisher.ts";
import { serverOf } from "../../clients/rabbitmq/settings.ts";
import { deliverTo } from "./deliver.ts";
import { checkShort, toMessage, toOptions } from "./message.ts";
import { checkMetadata, metadata } from "./metadata.ts";
import { declareExchange, declareQueue, queueOf } from "./queue.ts";

/** RabbitMQ's highest for the original, which has a byte for it. */
const mostPrefetched = 255;

export const rabbitmq = definePubSub(
  "pubsub.rabbitmq",
  metadata,
  async ({ appId, meta, log }) => {
    checkMetadata(meta);
    const server = serverOf(meta);
    if (server.tls && !meta.caCert) trustSystemAuthorities(log);
    const client = await openRabbit(server, log);
    const publisher = createPublisher({
      client,
      confirms: meta.publisherConfirm,
      declare: (channel, exchange) => declareExchange(channel, exchange, meta),
    });
    const active = new Set<StopReading>();

    return {
      features: ["MESSAGE_TTL"],
      async publish(request, call) {
        const { data } = request;
        checkShort("topic", request.topic);
        await publisher.publish(
          {
            exchange: request.topic,
            routingKey: request.metadata["routingKey"] ?? "",
            content: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
            options: toOptions(request, meta),
          },
          call?.signal(),
        );
      },
      async subscribe({ topic, metadata: own }, handle) {
        const queue = queueOf(topic, own, meta.consumerID ?? appId, meta);
        const deliver = deliverTo(handle, meta, log);
        const end = await startConsumer({
          client,
          queue: queue.name,
          declare: (channel) => declareQueue(channel, topic, queue, meta),
          consumerTag: `${queue.name}-${randomUUID()}`.slice(-255),
          prefetch: meta.prefetchCount || mostPrefetched,
          autoAck: meta.autoAck,
          isSerial: meta.concurrency === "single",
          handle: (received, signal) =>
            deliver(
              `rabbitmq: message ${received.fields.deliveryTag} of queue ${queue.name}`,
              toMessage(
                topic,
                received,
                meta.publishMessagePropertiesToMetadata,
              ),
              signal,
            ),
          log,
        });
        const stop = () => end().finally(() => active.delete(stop));
        active.add(stop);
        return stop;
      },
      async close() {
        await Promise.all([...active].map((stop) => stop()));
        await publisher.close();
        await client.close();
      },
    };
  },
  {
    check: ({ meta }) => {
      checkMetadata(meta);
      serverOf(meta);
    },
  },
);
