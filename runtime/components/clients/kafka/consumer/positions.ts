/**
 * Where each partition is read from: the group's position, or what
 * `initialOffset` says where there is none or the log does not hold it.
 */
import type { Logger } from "../../../../shared/log.ts";
import type { Assignment } from "../group/assignment.ts";
import { leaderOf, topicIdOf, type Cluster } from "../cluster.ts";
import { flatten, type Group, type PartitionOffset } from "../group/group.ts";
import type { PartitionQueue } from "./partition-queue.ts";

export interface Positions {
  /** Notes that this topic is missing. All that it holds later came after we wanted to read it. */
  sawMissing(topic: string): void;
  /** The first offset to read of each partition; -1 if nobody can tell it yet. */
  start(cluster: Cluster, assignment: Assignment): Promise<Start[]>;
  /** Gives an offset to a queue that got none from {@link start}, or whose offset is not in the log. */
  place(cluster: Cluster, queue: PartitionQueue): Promise<void>;
  /** Whether one of the topics has more partitions than when they were assigned, or was made anew. */
  haveChanged(cluster: Cluster, topics: string[]): boolean;
  /** The IDs of the topics of the last start, as far as the brokers tell them. */
  readonly topicIds: ReadonlyMap<string, string>;
}

export interface Start extends PartitionOffset {
  /** The topic was made anew: offsets of the old topic do not count. */
  isAnew: boolean;
}

export function createPositions(
  group: Group,
  initialOffset: "newest" | "oldest",
  log: Logger,
): Positions {
  const seenMissing = new Set<string>();
  const partitionCounts = new Map<string, number>();
  const topicIds = new Map<string, string>();
  /** Partitions of topics that were made anew; the broker may still have the old position. */
  const anew = new Set<string>();
  /** Since when we wait for a partition without a position. */
  const wantedSince = new Map<string, number>();

  const keyOf = (topic: string, partition: number) => `${topic}/${partition}`;

  function wasMadeAnew(cluster: Cluster, topic: string): boolean {
    const id = topicIdOf(cluster, topic);
    const before = topicIds.get(topic);
    return id !== undefined && before !== undefined && id !== before;
  }

  /** Whether a partition without a position is read from its first record: also if it appeared while we were reading. */
  const fromFirst = (topic: string, partition: number) =>
    initialOffset === "oldest" ||
    seenMissing.has(topic) ||
    partition >= (partitionCounts.get(topic) ?? Infinity);

  /** The offset of the log's first record, or of its next one. */
  async function edge(
    cluster: Cluster,
    topic: string,
    partition: number,
    which: { fromBeginning: boolean } | { fromTimestamp: number },
  ): Promise<number> {
    const [found] = flatten(
      await cluster.fetchTopicsOffset([
        { topic, partitions: [{ partition }], ...which },
      ]),
    );
    if (!found) throw new Error(`no offset known for ${topic}/${partition}`);
    return found.offset;
  }

  async function initial(
    cluster: Cluster,
    topic: string,
    partition: number,
  ): Promise<number> {
    const key = keyOf(topic, partition);
    if (anew.has(key) || fromFirst(topic, partition))
      return edge(cluster, topic, partition, { fromBeginning: true });
    const next = await edge(cluster, topic, partition, {
      fromBeginning: false,
    });
    const since = wantedSince.get(key);
    if (since === undefined) return next;
    // It had no leader when we wanted to read it: what came since then counts.
    const newer = await edge(cluster, topic, partition, {
      fromTimestamp: since,
    });
    return newer >= 0 ? newer : next;
  }

  return {
    topicIds,
    sawMissing: (topic) => void seenMissing.add(topic),

    async start(cluster, assignment) {
      if (assignment.size === 0) return [];
      await cluster.addMultipleTargetTopics([...assignment.keys()]);
      for (const [topic, partitions] of assignment)
        if (wasMadeAnew(cluster, topic)) {
          log.warn(
            `kafka: topic "${topic}" was deleted and made anew: it is read from its first record, the group's position in the old one is dropped`,
          );
          for (const partition of partitions) anew.add(keyOf(topic, partition));
          partitionCounts.delete(topic);
        }
      const committed = await group.committed(assignment);
      const starts: Start[] = [];
      for (const [topic, partitions] of assignment)
        for (const partition of partitions) {
          const key = keyOf(topic, partition);
          const isAnew = anew.has(key);
          const at = isAnew
            ? undefined
            : committed.find(
                (c) => c.topic === topic && c.partition === partition,
              );
          const isLed = (leaderOf(cluster, topic, partition) ?? -1) >= 0;
          if (!at && !isLed && !wantedSince.has(key))
            wantedSince.set(key, Date.now());
          const offset =
            at?.offset ??
            (isLed ? await initial(cluster, topic, partition) : -1);
          starts.push({ topic, partition, offset, isAnew });
        }
      // Done at once, so that no one goes on at the old topic's position.
      const resets = starts.filter((s) => s.isAnew && s.offset >= 0);
      if (resets.length > 0) await group.commit(resets);
      for (const { topic, partition } of resets)
        anew.delete(keyOf(topic, partition));
      // Topics that only other members read are forgotten: we would not notice what happens to them.
      for (const topic of topicIds.keys())
        if (!assignment.has(topic)) topicIds.delete(topic);
      for (const topic of assignment.keys()) {
        const id = topicIdOf(cluster, topic);
        if (id !== undefined) topicIds.set(topic, id);
        partitionCounts.set(
          topic,
          cluster.findTopicPartitionMetadata(topic).length,
        );
      }
      return starts;
    },

    async place(cluster, queue) {
      const { topic, partition, fetchOffset } = queue;
      if (fetchOffset < 0) {
        queue.moveTo(await initial(cluster, topic, partition));
        anew.delete(keyOf(topic, partition));
        return;
      }
      const first = await edge(cluster, topic, partition, {
        fromBeginning: true,
      });
      const next = await edge(cluster, topic, partition, {
        fromBeginning: false,
      });
      // Behind the log nothing is lost by its first record; for a log that is
      // not the one we read, initialOffset decides as for a new group.
      const isBehind = fetchOffset < first;
      const target = isBehind || fromFirst(topic, partition) ? first : next;
      queue.moveTo(target);
      log.warn(
        `kafka: topic "${topic}" partition ${partition} has no offset ${fetchOffset}${isBehind ? " any more" : ", as it was cut, restored or made anew"} (its first is ${first}, its next ${next}); what is read and committed goes on at ${target}${isBehind || target === first ? ", its first" : ", its end, as initialOffset is newest"}`,
      );
    },

    haveChanged: (cluster, topics) =>
      topics.some(
        (topic) =>
          wasMadeAnew(cluster, topic) ||
          cluster.findTopicPartitionMetadata(topic).length >
            (partitionCounts.get(topic) ?? Infinity),
      ),
  };
}
