/**
 * Reads topics as a member of a consumer group and loses nothing: an offset is
 * committed only when all records below it are handled. Each generation of the
 * group has its own set of queues. They end before the generation does, so
 * nothing is delivered or committed for a partition that has a new owner.
 */
import type { Assignment } from "../group/assignment.ts";
import { doublingBackoff, pause } from "../../../../shared/backoff.ts";
import {
  closeCluster,
  openCluster,
  type Cluster,
  type KafkaServer,
} from "../cluster.ts";
import { createCommits } from "./commits.ts";
import { errorType, explainError, isDenial } from "../errors.ts";
import { startFetcher } from "./fetcher.ts";
import type { FetchLimits } from "../protocol/fetch-request.ts";
import { createGroup, isRebalance, type GroupOptions } from "../group/group.ts";
import {
  startPartitionQueue,
  type PartitionQueue,
  type TopicHandler,
} from "./partition-queue.ts";
import { createPositions, type Start } from "./positions.ts";
import type { Outage } from "../../../../shared/outage.ts";
import { watchKafka } from "../outage.ts";

export interface ConsumerOptions {
  server: KafkaServer;
  group: GroupOptions;
  topics: ReadonlyMap<string, TopicHandler>;
  /** Where a group without a position begins. */
  initialOffset: "newest" | "oldest";
  limits: FetchLimits;
  /** The pause before joining again after a generation has ended. */
  rejoinPauseMs: number;
}

export interface KafkaConsumer {
  /** Reads this topic too, as soon as the group has joined for it. */
  add(topic: string, handler: TopicHandler): void;
  /** Starts no more deliveries of the topic, waits for those in flight, commits. The other topics go on. */
  remove(topic: string): Promise<void>;
  /** Starts nothing more, waits for the deliveries in flight, commits, leaves the group. */
  stop(): Promise<void>;
}

/** How long the other members of a group wait for a delivery in flight here. */
const drainOnRebalanceMs = 20_000;
/** How long the last commit and leaving the group may take. */
const lastWordsMs = 3000;
/** New partitions, and topics that were made anew, are noticed within this time. */
const lookAroundMs = 30_000;
/** What all queues together should hold, so that a slow app costs little memory. Each may have twice its share, as it is asked for while it has room. */
const bufferBytes = 4 * 1024 * 1024;

export function startConsumer(options: ConsumerOptions): KafkaConsumer {
  const { server } = options;
  const { log } = server;
  const stopping = new AbortController();
  const group = createGroup(options.group);
  const wanted = new Map(options.topics);
  /** Counts the changes of `wanted`. */
  let changes = 0;
  /** While there is a membership: its topics, and how to end it. */
  let current:
    { topics: string[]; end(): void; ended: Promise<void> } | undefined;
  /** The last queue of each partition, so that the next one waits for its end. */
  const lastQueues = new Map<
    string,
    { queue: PartitionQueue; generation: number }
  >();
  const positions = createPositions(group, options.initialOffset, log);
  let joined = false;

  const where = () =>
    `group "${options.group.groupId}" on ${[...wanted.keys()].map((topic) => `"${topic}"`).join(", ")} at ${server.brokers.join(",")}`;
  const outage = watchKafka(log, where);

  const explain = (error: unknown) =>
    explainError(error, {
      operation: "READ",
      topic: [...wanted.keys()].join('", "'),
      group: options.group.groupId,
    });

  async function run(): Promise<void> {
    const backoff = doublingBackoff(100, 1000);
    // A missing right is not granted within a second, and each try to join disturbs the other members.
    const denied = doublingBackoff(1000, 30_000);
    while (!stopping.signal.aborted) {
      const cluster = openCluster(server);
      let lastError: unknown;
      // Stopping need not wait for a connection that is still being made.
      const cut = () => {
        if (!joined) closeCluster(cluster);
      };
      stopping.signal.addEventListener("abort", cut);
      try {
        await cluster.connect();
        while (!stopping.signal.aborted) {
          const known = changes;
          const topics = await existingTopics(cluster);
          if (topics.length === 0) break;
          await generation(cluster, topics, known, () => {
            outage.over();
            backoff.reset();
            denied.reset();
          });
          await pause(options.rejoinPauseMs, stopping.signal);
        }
      } catch (error) {
        lastError = error;
        if (!isRebalance(error)) outage.found(explain(error));
      } finally {
        stopping.signal.removeEventListener("abort", cut);
        closeCluster(cluster);
      }
      await (isDenial(lastError) ? denied : backoff).wait(stopping.signal);
    }
  }

  /** Topics that this user has no right to know of. */
  const hidden = new Map<string, Outage>();

  /** The topics that exist and that the user may know of. The others are looked for again later. Rejects if all are denied. */
  async function existingTopics(cluster: Cluster): Promise<string[]> {
    const found: string[] = [];
    const denials = new Map<string, unknown>();
    for (const topic of wanted.keys())
      try {
        await cluster.addMultipleTargetTopics([topic]);
        found.push(topic);
        hidden.get(topic)?.over();
        hidden.delete(topic);
      } catch (error) {
        const type = errorType(error);
        if (type === "TOPIC_AUTHORIZATION_FAILED") {
          denials.set(topic, error);
          continue;
        }
        if (
          type !== "UNKNOWN_TOPIC_OR_PARTITION" &&
          type !== "LEADER_NOT_AVAILABLE"
        )
          throw error;
        hidden.delete(topic);
        positions.sawMissing(topic);
        if (type === "UNKNOWN_TOPIC_OR_PARTITION")
          outage.found(`topic "${topic}" does not exist yet`);
      }
    for (const [topic, error] of denials) {
      if (denials.size === wanted.size) throw error;
      const one = hidden.get(topic) ?? watchKafka(log, `topic "${topic}"`);
      hidden.set(topic, one);
      one.found(explain(error));
    }
    return found;
  }

  /** From joining the group to the end of that membership, which also ends when there are other changes than the known ones. */
  async function generation(
    cluster: Cluster,
    topics: string[],
    known: number,
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
    const ended = Promise.withResolvers<void>();
    current = { topics, end: onStop, ended: ended.promise };
    if (stopping.signal.aborted || known !== changes) end();
    const stopHeartbeat = group.startHeartbeat(end);
    let queues: PartitionQueue[] = [];
    const commits = createCommits(group, () => queues, log, end);
    try {
      const starts = await positions.start(cluster, assignment);
      const perPartition = Math.min(
        options.limits.partitionMaxBytes,
        Math.ceil(bufferBytes / Math.max(starts.length, 1)),
      );
      queues = starts.flatMap((start) =>
        openQueue(start, perPartition, (queue, done) => {
          commits.schedule(done);
          if (!queue.full) fetcher.wake();
        }),
      );
      // A new group's start is stored at once: what comes while the app
      // restarts before its first message is not skipped.
      commits.schedule(0);
      let isNew = true;
      const works = () => {
        if (isNew) succeeded();
        isNew = false;
      };
      const fetcher = startFetcher({
        cluster,
        queues,
        limits: { ...options.limits, partitionMaxBytes: perPartition },
        topicIds: new Map(positions.topicIds),
        log,
        signal: over.signal,
        place: (queue) => positions.place(cluster, queue),
        onAnswer: works,
      });
      fetcher.ended.catch(end);
      log.info(
        `kafka: ${where()}: reading ${describe(assignment) || "nothing, the other members have all partitions"}`,
      );
      if (queues.length === 0) works();
      await watchTopics(cluster, topics, over.signal, end);
    } finally {
      over.abort();
      stopping.signal.removeEventListener("abort", onStop);
      await drain(queues);
      // From here on only the broker is waited for, for a short time.
      const limit = setTimeout(closeCluster, lastWordsMs, cluster);
      await commits.finish(reason);
      stopHeartbeat();
      if (stopping.signal.aborted)
        await group
          .leave()
          .catch((error) => log.debug(`kafka: leaving: ${error.message}`));
      clearTimeout(limit);
      joined = false;
      current = undefined;
      ended.resolve();
    }
    if (reason && !isRebalance(reason)) throw reason;
  }

  function openQueue(
    { topic, partition, offset, isAnew }: Start,
    budgetBytes: number,
    onProgress: (queue: PartitionQueue, done: number) => void,
  ): PartitionQueue | [] {
    const handler = wanted.get(topic);
    if (!handler) return []; // removed since the group was joined
    const key = `${topic}/${partition}`;
    const last = lastQueues.get(key);
    const queue = startPartitionQueue({
      topic,
      partition,
      offset,
      budgetBytes,
      handler,
      previous: last?.queue,
      continues: !isAnew && last?.generation === group.generationId - 1,
      onProgress: (done) => onProgress(queue, done),
      onFailure(error) {
        log.error(
          `kafka: topic "${topic}" partition ${partition} at offset ${queue.doneOffset} can't be read and waits: ${error.message}`,
        );
      },
    });
    lastQueues.set(key, { queue, generation: group.generationId });
    return queue;
  }

  /** Waits for the end. Meanwhile it looks for new partitions, and for topics that were missing or were made anew. */
  async function watchTopics(
    cluster: Cluster,
    topics: string[],
    signal: AbortSignal,
    end: (error?: Error) => void,
  ): Promise<void> {
    const missing = wanted.size > topics.length + hidden.size;
    const everyMs = missing
      ? 1000
      : Math.min(lookAroundMs, server.metadataRefreshMs || lookAroundMs);
    const denied = doublingBackoff(1000, lookAroundMs);
    while (!signal.aborted) {
      if (hidden.size > 0 && !missing) await denied.wait(signal);
      else await pause(everyMs, signal);
      if (signal.aborted) return;
      try {
        await cluster.refreshMetadata();
        const changed = positions.haveChanged(cluster, topics);
        const found = await existingTopics(cluster);
        if (changed || found.length > topics.length) end();
      } catch (error) {
        end(error as Error);
      }
    }
  }

  /** Ends the queues. A stop waits for the app as long as it takes; the other members of a group do not wait so long. */
  async function drain(queues: PartitionQueue[]): Promise<void> {
    const ended = Promise.all(queues.map((queue) => queue.stop()));
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
    add(topic, handler) {
      wanted.set(topic, handler);
      changes++;
      current?.end();
    },
    async remove(topic) {
      wanted.delete(topic);
      hidden.delete(topic);
      // The other members of the group need not wait for these deliveries.
      await Promise.all(
        [...lastQueues.values()].flatMap(({ queue }) =>
          queue.topic === topic ? queue.stop() : [],
        ),
      );
      changes++;
      if (!current?.topics.includes(topic)) return;
      current.end();
      await current.ended;
    },
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
