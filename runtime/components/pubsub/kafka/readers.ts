/** The topics that a component reads, by one member of its consumer group. */
import type { StopReading } from "../../../contracts/delivery.ts";
import type { KafkaConsumer } from "../../clients/kafka/consumer/consumer.ts";
import type { TopicHandler } from "../../clients/kafka/consumer/partition-queue.ts";
import { checkTopicName } from "../../clients/kafka/topic-name.ts";

export interface Readers {
  /** Rejects if Kafka takes no such topic, if it is read already, or after `close`. */
  read(topic: string, handler: TopicHandler): Promise<StopReading>;
  close(): Promise<void>;
}

/** `join` makes a member of the group that reads these topics. */
export function createReaders(
  join: (topics: ReadonlyMap<string, TopicHandler>) => KafkaConsumer,
): Readers {
  /** Topics that are read, or were until a moment ago. */
  const topics = new Map<string, { stop: StopReading; isStopping: boolean }>();
  let member: KafkaConsumer | undefined;
  let isClosed = false;

  async function end(topic: string): Promise<void> {
    const last = [...topics.values()].every(({ isStopping }) => isStopping);
    const used = member!;
    if (last) {
      // The group is left; who reads again joins anew.
      member = undefined;
      await used.stop();
    } else await used.remove(topic);
    topics.delete(topic);
  }

  return {
    async read(topic, handler) {
      checkTopicName(topic);
      for (let before; (before = topics.get(topic));) {
        if (!before.isStopping)
          throw new Error(`kafka error: topic "${topic}" is read already`);
        await before.stop();
      }
      if (isClosed) throw new Error("kafka error: the component is closed");
      let ended: Promise<void> | undefined;
      const reader = {
        isStopping: false,
        stop() {
          reader.isStopping = true;
          return (ended ??= end(topic));
        },
      };
      topics.set(topic, reader);
      if (member) member.add(topic, handler);
      else member = join(new Map([[topic, handler]]));
      return reader.stop;
    },
    async close() {
      isClosed = true;
      await Promise.all([...topics.values()].map(({ stop }) => stop()));
    },
  };
}
