/** The properties of bindings.kafka, as the original documents them. */
import type { MetadataItem } from "../../../contracts/metadata.ts";
import type { Logger } from "../../../shared/log.ts";
import {
  bool,
  list,
  text,
  type MetadataValues,
} from "../../../contracts/metadata.ts";
import {
  checkKafka,
  kafkaConsumerMetadata,
  kafkaProducerMetadata,
  kafkaServerMetadata,
} from "../../clients/kafka/settings.ts";
import { checkTopicName } from "../../clients/kafka/topic-name.ts";
import { retryMetadata, retryPolicy } from "../../retry.ts";

export const metadata = {
  ...kafkaServerMetadata,
  topics: list("Topics to read, comma-separated", { default: [] }),
  publishTopic: text("Topic that `create` writes to"),
  consumerGroup: text("Group that shares the reading; needed to read"),
  contentType: text(
    "What the app is told that records are, whatever they say themselves; the original's is application/json",
  ),
  stringsAsText: bool(
    "Store a JSON string's characters where the request has a content-type that is not JSON; false, as the original: with its quotes",
    { default: true },
  ),
  ...kafkaConsumerMetadata,
  ...retryMetadata,
  ...kafkaProducerMetadata,
};

/** The topics to read. The original does not trim, but no topic can have a blank in its name. */
export const topicsOf = ({
  topics,
}: Pick<MetadataValues<typeof metadata>, "topics">): string[] => [
  ...new Set(topics.map((topic) => topic.trim())),
];

/** Checks that concern several properties. Throws on what can't work, warns of what has no effect. */
export function checkMetadata(
  meta: MetadataValues<typeof metadata>,
  items: readonly MetadataItem[],
  log: Logger,
): void {
  checkKafka(meta, items, metadata);
  for (const topic of topicsOf(meta)) checkTopicName(topic);
  for (const topic of [meta.publishTopic, meta.deadLetterTopic])
    if (topic) checkTopicName(topic);
  if (meta.deadLetterTopic && meta.consumeRetryEnabled === false)
    log.warn(
      "kafka: deadLetterTopic has no effect while consumeRetryEnabled is false",
    );
  else if (meta.deadLetterTopic && retryPolicy(meta).isEndless)
    log.warn(
      "kafka: deadLetterTopic has no effect without backOffMaxRetries or backOffMaxElapsedTime: records are delivered until they are taken",
    );
}
