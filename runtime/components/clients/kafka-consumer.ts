/**
 * Reads topics as a member of a consumer group and loses nothing: a record is
 * committed after it was handled, the highest one below which all are. One
 * generation of the group is one set of lanes; when it ends they end first, so
 * nothing is delivered or committed for a partition that has a new owner.
 */
import type { Assignment } from "./kafka-assignment.ts";
import { doublingBackoff, pause } from "./kafka-backoff.ts";
import {
  closeCluster,
  errorType,
  openCluster,
  type Cluster,
  type KafkaServer,
} from "./kafka-cluster.ts";
import { createCommits } from "./kafka-commits.ts";
import { startFetcher } from "./kafka-fetcher.ts";
import type { FetchLimits } from "./kafka-fetch-request.ts";
import {
  createGroup,
  flatten,
  isRebalance,
  type GroupOptions,
  type PartitionOffset,
} from "./kafka-group.ts";
import { startLane, type HandleRecord, type Lane } from "./kafka-lane.ts";
import { watchTrouble } from "./kafka-trouble.ts";

export interface ConsumerOptions {
  server: KafkaServer;
  group: GroupOptions;
  topics: string[];
  /** Where a group without a position begins. */
  initialOffset: "newest" | "oldest";
  limits: FetchLimits;
  /** Pause before joining again after a generation ended. */
  rejoinPauseMs: number;
  handle: HandleRecord;
}

export interface KafkaConsumer {
  /** Starts nothing more, waits for the deliveries in flight, commits, leaves the group. */
  stop(): Promise<void>;
}

/** How long the others of a group wait for a delivery in flight here. */
const drainOnRebalanceMs = 20_000;
/** How long the last commit and the farewell to the group may take. */
const lastWordsMs = 3000;
/** What all lanes together may hold; a slow app then costs no more memory. */
const bufferBytes = 8 * 1024 * 1024;

export function startConsumer(options: ConsumerOptions): KafkaConsumer {
  const { server } = options;
  const { log } = server;
  const stopping = new AbortController();
  const group = createGroup(options.group);
  /** The last lane of each partition, so that the next one waits for its end. */
  const lastLanes = new Map<string, { lane: Lane; generation: number }>();
  /** Topics seen missing: whatever is in them later came after we wanted it. */
  const seenMissing = new Set<string>();
  const knownPartitions = new Map<string, number>();
  let joined = false;

  const where = `group "${options.group.groupId}" on ${options.topics.map((topic) => `"${topic}"`).join(", ")} at ${server.brokers.join(",")}`;
  const trouble = watchTrouble(log, where);

  async function run(): Promise<void> {
    const backoff = doublingBackoff(100, 1000);
    while (!stopping.signal.aborted) {
      const cluster = openCluster(server);
      // A stop need not wait for a connection that is still being made.
      const cut = () => {
        if (!joined) closeCluster(cluster);
      };
      stopping.signal.addEventListener("abort", cut);
      try {
        await cluster.connect();
        while (!stopping.signal.aborted) {
          const topics = await existingTopics(cluster);
          if (topics.length === 0) break;
          await generation(cluster, topics, backoff.reset);
          await pause(options.rejoinPauseMs, stopping.signal);
        }
      } catch (error) {
        if (!isRebalance(error)) trouble.found((error as Error).message);
      } finally {
        stopping.signal.removeEventListener("abort", cut);
        closeCluster(cluster);
      }
      await backoff.wait(stopping.signal);
    }
  }

  /** The topics that are there. Those that are not are looked for again later. */
  async function existingTopics(cluster: Cluster): Promise<string[]> {
    const found: string[] = [];
    for (const topic of options.topics)
      try {
        await cluster.addMultipleTargetTopics([topic]);
        found.push(topic);
      } catch (error) {
        const type = errorType(error);
        if (
          type !== "UNKNOWN_TOPIC_OR_PARTITION" &&
          type !== "LEADER_NOT_AVAILABLE"
        )
          throw error;
        seenMissing.add(topic);
        if (type === "UNKNOWN_TOPIC_OR_PARTITION")
          trouble.found(`topic "${topic}" does not exist yet`);
      }
    return found;
  }

  /** From joining the group to the end of that membership. */
  async function generation(
    cluster: Cluster,
    topics: string[],
    succeeded: () => void,
  ): Promise<void> {
    const assignment = await group.join(cluster, topics);
    joined = true;
    const over = new AbortController();
    let reason: Error | undefined;
    const end = (error?: Error) => {
      reason ??= error;
      over.abort();
    };
    const onStop = () => end();
    stopping.signal.addEventListener("abort", onStop);
    if (stopping.signal.aborted) end();
    const stopHeartbeat = group.startHeartbeat(end);
    let lanes: Lane[] = [];
    const commits = createCommits(group, () => lanes, log, end);
    try {
      const start = await startOffsets(cluster, assignment);
      const perPartition = Math.min(
        options.limits.partitionMaxBytes,
        Math.ceil(bufferBytes / Math.max(start.length, 1)),
      );
      lanes = start.map(({ topic, partition, offset }) => {
        const key = `${topic}/${partition}`;
        const last = lastLanes.get(key);
        const lane = startLane({
          topic,
          partition,
          offset,
          budgetBytes: perPartition,
          handle: options.handle,
          previous: last?.lane,
          continues: last?.generation === group.generationId - 1,
          onProgress() {
            commits.schedule();
            if (!lane.full) fetcher.wake();
          },
          onTrouble(error) {
            log.error(
              `kafka: topic "${topic}" partition ${partition} at offset ${lane.doneOffset} can't be read and waits: ${error.message}`,
            );
          },
        });
        lastLanes.set(key, { lane, generation: group.generationId });
        return lane;
      });
      // A new group's start is stored at once: what comes while the app
      // restarts before its first message is not skipped.
      commits.schedule();
      const fetcher = startFetcher({
        cluster,
        lanes,
        limits: { ...options.limits, partitionMaxBytes: perPartition },
        signal: over.signal,
        onOutOfRange: (lane) => earliest(cluster, lane),
      });
      fetcher.ended.catch(end);
      log.info(
        `kafka: ${where}: reading ${describe(assignment) || "nothing, the other members have all partitions"}`,
      );
      trouble.over();
      succeeded();
      await watchTopics(cluster, topics, over.signal, end);
    } finally {
      over.abort();
      stopping.signal.removeEventListener("abort", onStop);
      await drain(lanes);
      // From here on only the broker is waited for, and not for long.
      const limit = setTimeout(closeCluster, lastWordsMs, cluster);
      await commits.finish(reason);
      stopHeartbeat();
      if (stopping.signal.aborted)
        await group
          .leave()
          .catch((error) => log.debug(`kafka: leaving: ${error.message}`));
      clearTimeout(limit);
      joined = false;
    }
    if (reason && !isRebalance(reason)) throw reason;
  }

  /** Waits for the end; on the way looks for new partitions and for topics that were missing. */
  async function watchTopics(
    cluster: Cluster,
    topics: string[],
    signal: AbortSignal,
    end: (error?: Error) => void,
  ): Promise<void> {
    const missing = options.topics.length > topics.length;
    const everyMs = missing ? 1000 : 30_000;
    while (!signal.aborted) {
      await pause(everyMs, signal);
      if (signal.aborted) return;
      try {
        await cluster.refreshMetadataIfNecessary();
        const grown = topics.some(
          (topic) =>
            cluster.findTopicPartitionMetadata(topic).length >
            (knownPartitions.get(topic) ?? Infinity),
        );
        const found = await existingTopics(cluster);
        if (grown || found.length > topics.length) end();
      } catch (error) {
        end(error as Error);
      }
    }
  }

  /** The first offset of each partition of ours. */
  async function startOffsets(
    cluster: Cluster,
    assignment: Assignment,
  ): Promise<PartitionOffset[]> {
    if (assignment.size === 0) return [];
    await cluster.addMultipleTargetTopics([...assignment.keys()]);
    const committed = await group.committed(assignment);
    const result: PartitionOffset[] = [];
    for (const [topic, partitions] of assignment) {
      const known = knownPartitions.get(topic) ?? Infinity;
      for (const partition of partitions) {
        const at = committed.find(
          (c) => c.topic === topic && c.partition === partition,
        );
        // A partition or topic that appeared while we looked on has nothing
        // older than our interest in it.
        const fromBeginning =
          options.initialOffset === "oldest" ||
          seenMissing.has(topic) ||
          partition >= known;
        result.push(
          at ?? (await edge(cluster, topic, partition, fromBeginning)),
        );
      }
      knownPartitions.set(
        topic,
        cluster.findTopicPartitionMetadata(topic).length,
      );
    }
    return result;
  }

  async function edge(
    cluster: Cluster,
    topic: string,
    partition: number,
    fromBeginning: boolean,
  ): Promise<PartitionOffset> {
    const [found] = flatten(
      await cluster.fetchTopicsOffset([
        { topic, partitions: [{ partition }], fromBeginning },
      ]),
    );
    if (!found) throw new Error(`no offset known for ${topic}/${partition}`);
    return found;
  }

  async function earliest(cluster: Cluster, lane: Lane): Promise<number> {
    const { topic, partition, fetchOffset } = lane;
    const { offset } = await edge(cluster, topic, partition, true);
    log.warn(
      `kafka: topic "${topic}" partition ${partition} has no offset ${fetchOffset} any more, going on at its first, ${offset}`,
    );
    return offset;
  }

  /** Ends the lanes. After a stop it takes as long as the app does; the others of a group wait less. */
  async function drain(lanes: Lane[]): Promise<void> {
    const ended = Promise.all(lanes.map((lane) => lane.stop()));
    const limit = new AbortController();
    await Promise.race([
      ended.then(() => limit.abort()),
      pause(drainOnRebalanceMs, limit.signal).then(() =>
        stopping.signal.aborted ? ended : undefined,
      ),
    ]);
  }

  const running = run();

  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function describe(assignment: Assignment): string {
  return [...assignment]
    .filter(([, partitions]) => partitions.length > 0)
    .map(
      ([topic, partitions]) => `"${topic}" partitions ${partitions.join(",")}`,
    )
    .join("; ");
}
