/** Opens a component's connections as its metadata say. */
import type { MetadataValues } from "../../../contracts/metadata.ts";
import { trustSystemAuthorities } from "../../../net/trusted-authorities.ts";
import type { Logger } from "../../../shared/log.ts";
import { authentication } from "./auth.ts";
import type { KafkaServer } from "./cluster.ts";
import { startConsumer, type KafkaConsumer } from "./consumer/consumer.ts";
import type { TopicHandler } from "./consumer/partition-queue.ts";
import { openProducer, type KafkaProducer } from "./producer/producer.ts";
import type {
  kafkaConsumerMetadata,
  kafkaProducerMetadata,
  kafkaServerMetadata,
} from "./settings.ts";

/** Throws an error that names the property if a login can't work. */
export function kafkaServer(
  meta: MetadataValues<typeof kafkaServerMetadata>,
  log: Logger,
): KafkaServer {
  const auth = authentication(meta, log);
  if (!meta.caCert && (auth.tls || auth.sasl?.oauthBearerProvider))
    trustSystemAuthorities(log);
  return {
    brokers: meta.brokers.map((broker) => withPort(broker.trim())),
    clientId: meta.clientID,
    ...auth,
    dialTimeoutMs: meta.dialTimeout,
    requestTimeoutMs: Math.max(meta.readTimeout, meta.writeTimeout),
    metadataRefreshMs: meta.clientConnectionTopicMetadataRefreshInterval,
    keepAliveMs: meta.clientConnectionKeepAliveInterval,
    log,
  };
}

const withPort = (broker: string) =>
  /:\d+$/.test(broker) ? broker : `${broker}:9092`;

export const producerTo = (
  server: KafkaServer,
  topic: string,
  meta: MetadataValues<typeof kafkaProducerMetadata>,
): KafkaProducer =>
  openProducer({
    server,
    topic,
    acks: meta.producerRequiredAcks,
    compression: meta.compression,
    maxMessageBytes: meta.maxMessageBytes,
    deadlineMs: meta.deliveryTimeout,
    retries: meta.producerRetryMax,
  });

/** One member of the group, for all of the topics. */
export const memberOf = (
  server: KafkaServer,
  groupId: string,
  topics: ReadonlyMap<string, TopicHandler>,
  meta: MetadataValues<typeof kafkaConsumerMetadata>,
): KafkaConsumer =>
  startConsumer({
    server,
    group: {
      groupId,
      strategy: meta.consumerGroupRebalanceStrategy,
      sessionTimeoutMs: meta.sessionTimeout,
      rebalanceTimeoutMs: 60_000,
      heartbeatIntervalMs: meta.heartbeatInterval,
    },
    topics,
    initialOffset: meta.initialOffset,
    limits: {
      minBytes: meta.consumerFetchMin,
      // An answer is in memory twice or three times until the queues have it (docs/decisions/memory.md).
      maxBytes: 1024 * 1024,
      partitionMaxBytes: meta.consumerFetchDefault,
    },
    rejoinPauseMs: meta.consumeRetryInterval,
  });
