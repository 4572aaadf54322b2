/**
 * pubsub.kafka: what is published becomes a record with a header for each entry
 * of its metadata; what is in a topic goes to the app in the order of its partitions.
 */
import { text } from "../../../contracts/metadata.ts";
import {
  definePubSub,
  type BulkLimits,
  type HandleBulk,
  type SubscribeRequest,
  type TopicMessage,
} from "../../../contracts/pubsub.ts";
import { deliverEach } from "../../clients/kafka/delivery.ts";
import { toMessage, toRecord } from "../../clients/kafka/message.ts";
import { kafkaServer, memberOf, producerTo } from "../../clients/kafka/open.ts";
import type { KafkaRecord } from "../../clients/kafka/protocol/record-batch.ts";
import {
  checkKafka,
  kafkaConsumerMetadata,
  kafkaProducerMetadata,
  kafkaServerMetadata,
} from "../../clients/kafka/settings.ts";
import { retryPolicy, subscriptionWords } from "../../retry.ts";
import { contentTypeIn } from "../../text-data.ts";
import { checkTopicName } from "../../clients/kafka/topic-name.ts";
import { deliverBulks } from "./bulk.ts";
import { createReaders } from "./readers.ts";
import { createWriters } from "./writers.ts";

const metadata = {
  ...kafkaServerMetadata,
  consumerGroup: text(
    "Group that shares the reading; absent: `consumerID`, or the app's ID",
  ),
  consumerID: text("The same for every type of broker; consumerGroup wins"),
  ...kafkaConsumerMetadata,
  ...kafkaProducerMetadata,
};

/** What is stored as a record without a value, which a compacted topic deletes by. */
const nothing = Buffer.from("null");

export const kafka = definePubSub(
  "pubsub.kafka",
  metadata,
  async ({ name, appId, meta, items, log: runtimeLog }) => {
    const log = runtimeLog.scope("dapr.contrib");
    checkKafka(meta, items, metadata);
    const server = kafkaServer(meta, log);
    const group = meta.consumerGroup || meta.consumerID || appId;
    const policy = retryPolicy(meta);
    const writers = createWriters((topic) => producerTo(server, topic, meta));
    const readers = createReaders((topics) =>
      memberOf(server, group, topics, meta),
    );
    const received =
      (topic: string) =>
      (partition: number, record: KafkaRecord): TopicMessage => {
        const message = toMessage(topic, partition, record, {
          ...meta,
          contentType: undefined,
        });
        const contentType = contentTypeIn(message.metadata);
        return { ...message, topic, ...(contentType && { contentType }) };
      };

    async function store(
      topic: string,
      data: Uint8Array,
      headers: Record<string, string>,
    ): Promise<void> {
      checkTopicName(topic);
      const value = nothing.equals(data) ? undefined : data;
      await writers.to(topic)(toRecord(value, headers, false));
    }

    return {
      features: [],
      publish: (request) =>
        store(request.topic, request.data, request.metadata),
      publishBulk: (topic, entries, shared) =>
        Promise.all(
          entries.map(({ data, metadata: own }) =>
            store(topic, data, { ...shared, ...own }).then(
              () => undefined,
              (error: Error) => error,
            ),
          ),
        ),
      subscribe: ({ topic }, deliver) =>
        readers.read(
          topic,
          deliverEach({
            name,
            topic,
            policy,
            log,
            words: subscriptionWords,
            deliver: (message) => deliver(message as TopicMessage),
            toMessage: received(topic),
          }),
        ),
      subscribeBulk: (
        { topic }: SubscribeRequest,
        limits: BulkLimits,
        deliver: HandleBulk,
      ) =>
        readers.read(
          topic,
          deliverBulks({
            name,
            topic,
            policy,
            log,
            limits,
            deliver,
            toMessage: received(topic),
          }),
        ),
      async close() {
        await readers.close();
        await writers.close();
      },
    };
  },
  { check: ({ meta, items }) => checkKafka(meta, items, metadata) },
);
