/**
 * bindings.kafka: what is posted becomes a record, what is in the topics goes
 * to the app.
 */
import { defineBinding } from "../../../contracts/binding.ts";
import type { Deliver } from "../../../contracts/delivery.ts";
import { trustSystemAuthorities } from "../../../net/trusted-authorities.ts";
import { authentication } from "../../clients/kafka/auth.ts";
import type { KafkaServer } from "../../clients/kafka/cluster.ts";
import { startConsumer } from "../../clients/kafka/consumer/consumer.ts";
import {
  openProducer,
  type KafkaProducer,
} from "../../clients/kafka/producer/producer.ts";
import { retryPolicy } from "../../retry.ts";
import { createDelivery } from "./delivery.ts";
import { toMessage, toRecord } from "./message.ts";
import { checkMetadata, metadata } from "./metadata.ts";

export const kafka = defineBinding(
  "bindings.kafka",
  metadata,
  async ({ name, meta, items, log: runtimeLog, directions }) => {
    const log = runtimeLog.scope("dapr.contrib");
    checkMetadata(meta, items, log);
    // The original does not trim, but no topic can have a blank in its name.
    const topics = [...new Set(meta.topics.map((topic) => topic.trim()))];
    const auth = authentication(meta, log);
    if (!meta.caCert && (auth.tls || auth.sasl?.oauthBearerProvider))
      trustSystemAuthorities(log);
    const server: KafkaServer = {
      brokers: meta.brokers.map((b) => withPort(b.trim())),
      clientId: meta.clientID,
      ...auth,
      dialTimeoutMs: meta.dialTimeout,
      requestTimeoutMs: Math.max(meta.readTimeout, meta.writeTimeout),
      metadataRefreshMs: meta.clientConnectionTopicMetadataRefreshInterval,
      keepAliveMs: meta.clientConnectionKeepAliveInterval,
      log,
    };
    const toTopic = (topic: string): KafkaProducer =>
      openProducer({
        server,
        topic,
        acks: meta.producerRequiredAcks,
        compression: meta.compression,
        maxMessageBytes: meta.maxMessageBytes,
        deadlineMs: meta.deliveryTimeout,
        retries: meta.producerRetryMax,
      });

    const producer =
      directions.output && meta.publishTopic
        ? toTopic(meta.publishTopic)
        : undefined;
    let deadLetters: KafkaProducer | undefined;
    const stops = new Set<() => Promise<void>>();

    if (directions.input && topics.length === 0)
      log.warn(
        `kafka: component "${name}" has no 'topics': it does not read anything`,
      );

    async function read(deliver: Deliver) {
      if (topics.length === 0) return async () => {};
      if (!meta.consumerGroup)
        throw new Error(
          `kafka error: component "${name}" can't read without a 'consumerGroup' attribute; add one, the readers that share the work use the same`,
        );
      const handle = createDelivery({
        name,
        policy: retryPolicy(meta),
        log,
        deliver,
        toMessage: (topic, partition, record) =>
          toMessage(topic, partition, record, meta),
        deadLetter: meta.deadLetterTopic
          ? async (record) => {
              deadLetters ??= toTopic(meta.deadLetterTopic!);
              await deadLetters.send({ ...record, partition: undefined });
            }
          : undefined,
      });
      const consumer = startConsumer({
        server,
        group: {
          groupId: meta.consumerGroup,
          strategy: meta.consumerGroupRebalanceStrategy,
          sessionTimeoutMs: meta.sessionTimeout,
          rebalanceTimeoutMs: 60_000,
          heartbeatIntervalMs: meta.heartbeatInterval,
        },
        topics,
        initialOffset: meta.initialOffset,
        limits: {
          minBytes: meta.consumerFetchMin,
          maxBytes: 8 * 1024 * 1024,
          partitionMaxBytes: meta.consumerFetchDefault,
        },
        rejoinPauseMs: meta.consumeRetryInterval,
        handle,
      });
      const stop = async () => {
        await consumer.stop();
        stops.delete(stop);
      };
      stops.add(stop);
      return stop;
    }

    return {
      operations: ["create"],
      ...(directions.output && {
        async invoke({ operation, data, metadata: headers }) {
          if (operation !== "create")
            throw new Error(
              `binding ${name} does not support operation ${operation}. supported operations:create`,
            );
          if (!producer)
            throw new Error(
              `kafka error: component "${name}" can't write without a 'publishTopic' attribute`,
            );
          await producer.send(toRecord(data, headers, meta.stringsAsText));
          return undefined;
        },
      }),
      ...(directions.input && { read }),
      async close() {
        await Promise.all([...stops].map((stop) => stop()));
        await Promise.all([producer?.close(), deadLetters?.close()]);
      },
    };
  },
);

const withPort = (broker: string) =>
  /:\d+$/.test(broker) ? broker : `${broker}:9092`;
