/**
 * bindings.kafka: what is posted becomes a record, what is in the topics goes
 * to the app.
 */
import { defineBinding } from "../../../contracts/binding.ts";
import type { Deliver } from "../../../contracts/delivery.ts";
import { deliverEach } from "../../clients/kafka/delivery.ts";
import { toMessage, toRecord } from "../../clients/kafka/message.ts";
import { kafkaServer, memberOf, producerTo } from "../../clients/kafka/open.ts";
import type { KafkaProducer } from "../../clients/kafka/producer/producer.ts";
import { retryPolicy } from "../../retry.ts";
import { checkMetadata, metadata, topicsOf } from "./metadata.ts";

export const kafka = defineBinding(
  "bindings.kafka",
  metadata,
  async ({ name, meta, items, log: runtimeLog, directions }) => {
    const log = runtimeLog.scope("dapr.contrib");
    checkMetadata(meta, items, log);
    const topics = topicsOf(meta);
    const server = kafkaServer(meta, log);
    const toTopic = (topic: string) => producerTo(server, topic, meta);

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
      const handlerOf = (topic: string) =>
        deliverEach({
          name,
          topic,
          policy: retryPolicy(meta),
          log,
          deliver,
          toMessage: (partition, record) =>
            toMessage(topic, partition, record, meta),
          deadLetter: meta.deadLetterTopic
            ? async (record) => {
                deadLetters ??= toTopic(meta.deadLetterTopic!);
                await deadLetters.send({ ...record, partition: undefined });
              }
            : undefined,
        });
      const consumer = memberOf(
        server,
        meta.consumerGroup,
        new Map(topics.map((topic) => [topic, handlerOf(topic)])),
        meta,
      );
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
  { check: ({ meta, items, log }) => checkMetadata(meta, items, log) },
);
