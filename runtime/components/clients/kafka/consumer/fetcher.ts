/**
 * Fills queues: one fetch request at a time per broker, for those of its
 * partitions that have room. A problem with one partition or broker holds up no
 * other: a full queue is left out, a missing leader is looked up, a refused
 * partition is asked for again later.
 */
import type { Logger } from "../../../../shared/log.ts";
import { doublingBackoff, pause } from "../../../../shared/backoff.ts";
import {
  cutBroker,
  leaderOf,
  topicIdOf,
  type Broker,
  type Cluster,
} from "../cluster.ts";
import { brokerError, errorType, explainError } from "../errors.ts";
import {
  fetchRequest,
  fetchVersion,
  readFetchResponse,
  type FetchedPartition,
  type FetchLimits,
} from "../protocol/fetch-request.ts";
import type { PartitionQueue } from "./partition-queue.ts";
import { sendRaw } from "../protocol/request.ts";
import { createRests } from "./rests.ts";
import type { Outage } from "../../../../shared/outage.ts";
import { watchKafka } from "../outage.ts";

export interface FetcherOptions {
  cluster: Cluster;
  queues: PartitionQueue[];
  limits: FetchLimits;
  /** The ID of each topic of the queues, if the brokers tell it. */
  topicIds: ReadonlyMap<string, string>;
  log: Logger;
  /** Ends the work; requests in flight end when the caller closes the cluster. */
  signal: AbortSignal;
  /** Gives a position to a queue that has none yet, or whose position is not in the log. */
  place(queue: PartitionQueue): Promise<void>;
  /** Called whenever a broker has answered, so often. */
  onAnswer(): void;
}

export interface Fetcher {
  /** To be called when a queue has room again. */
  wake(): void;
  /** Resolves when the signal fires; rejects when the topics must be looked up again. */
  readonly ended: Promise<void>;
}

/** How long a broker waits for the first record if it has none. */
const idleWaitMs = 500;
/** The same while a queue of that broker is full, so that it is soon asked for again. */
const fullWaitMs = 50;
const outOfRange = 1;
/** Errors that mean: the partition is on another broker now, is being moved, or its topic has changed. */
const moved = new Set([3, 5, 6, 9, 56, 74, 75, 78, 100, 103]);

export function startFetcher(options: FetcherOptions): Fetcher {
  const { cluster, queues, topicIds, log, signal } = options;
  /** For each broker, the queues of the partitions it leads, and whether a loop runs for it. */
  let led = new Map<number, PartitionQueue[]>();
  const running = new Set<number>();
  const rests = createRests(signal, () => wake());
  const outages = new Map<string, Outage>();
  let wakes: (() => void)[] = [];
  const wake = () => {
    for (const resume of wakes.splice(0)) resume();
  };
  let stale = Promise.withResolvers<void>();
  const markStale = () => stale.resolve();
  signal.addEventListener("abort", () => (wake(), markStale()));

  const ended = (async () => {
    const backoff = doublingBackoff(200, 1000);
    for (;;) {
      const orphans = layOut();
      if (orphans) await backoff.wait(signal);
      else {
        await stale.promise;
        // A partition that moves has not arrived yet.
        await pause(200, signal);
        backoff.reset();
      }
      if (signal.aborted) return;
      stale = Promise.withResolvers();
      await cluster.refreshMetadata();
      for (const [topic, id] of topicIds)
        if ((topicIdOf(cluster, topic) ?? id) !== id)
          throw new Error(`topic "${topic}" was made anew`);
    }
  })();

  /** Gives each queue to its leader; returns whether there are queues without a leader. */
  function layOut(): boolean {
    const byLeader = Map.groupBy(
      queues,
      ({ topic, partition }) => leaderOf(cluster, topic, partition) ?? -1,
    );
    const orphans = byLeader.get(-1) ?? [];
    byLeader.delete(-1);
    led = byLeader;
    for (const { topic, partition } of orphans)
      outageOf(`topic "${topic}" partition ${partition}`).found(
        "it has no leader, as the brokers that hold it are down; other partitions go on",
      );
    for (const leader of led.keys())
      if (!running.has(leader)) {
        running.add(leader);
        void fetchLoop(leader).finally(() => running.delete(leader));
      }
    wake();
    return orphans.length > 0;
  }

  function outageOf(where: string): Outage {
    let outage = outages.get(where);
    if (!outage) outages.set(where, (outage = watchKafka(log, where)));
    return outage;
  }

  function isOver(where: string): void {
    outages.get(where)?.over();
    outages.delete(where);
  }

  async function fetchLoop(leader: number): Promise<void> {
    const where = `broker ${leader}`;
    try {
      for (let turn = 0; ; turn++) {
        const own = led.get(leader);
        if (signal.aborted || !own) return;
        const ready = own.filter((queue) => !queue.full && !rests.has(queue));
        const unplaced = ready.find(({ fetchOffset }) => fetchOffset < 0);
        if (ready.length === 0)
          await new Promise<void>((resolve) => wakes.push(resolve));
        else if (unplaced) await place(unplaced);
        else {
          // A different first one each time: an answer is filled from the front.
          const from = turn % ready.length;
          await fetch(
            await cluster.findBroker({ nodeId: leader }),
            [...ready.slice(from), ...ready.slice(0, from)],
            ready.length < own.length ? fullWaitMs : idleWaitMs,
            leader,
          );
          if (outages.size > 0) isOver(where);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      outageOf(where).found(explainError(error));
      // Its partitions may be led by another broker by now.
      markStale();
    }
  }

  async function fetch(
    broker: Broker,
    ready: PartitionQueue[],
    waitMs: number,
    leader: number,
  ): Promise<void> {
    const version = fetchVersion(broker.versions, topicIds.size > 0);
    const asked = ready.map((queue) => ({
      topic: queue.topic,
      partition: queue.partition,
      offset: queue.fetchOffset,
    }));
    const answer = await sendRaw(
      broker,
      fetchRequest(version, asked, options.limits, waitMs, topicIds),
    ).catch((error: Error) => {
      cutBroker(broker, error);
      throw error;
    });
    const { errorCode, partitions } = readFetchResponse(
      version,
      answer,
      topicIds,
    );
    if (signal.aborted) return;
    if (moved.has(errorCode)) return markStale();
    if (errorCode !== 0) throw brokerError(errorCode);
    options.onAnswer();
    for (const part of partitions) {
      const at = asked.findIndex(
        ({ topic, partition }) =>
          topic === part.topic && partition === part.partition,
      );
      const queue = ready[at];
      // A late answer does not count if another leader has been asked meanwhile.
      if (
        queue &&
        queue.fetchOffset === asked[at]!.offset &&
        led.get(leader)?.includes(queue)
      )
        await take(part, queue, partitions.length);
    }
  }

  async function take(
    part: FetchedPartition,
    queue: PartitionQueue,
    parts: number,
  ): Promise<void> {
    if (part.errorCode === outOfRange) return place(queue);
    if (part.errorCode !== 0)
      return refused(queue, brokerError(part.errorCode), part.errorCode);
    if (outages.size > 0) {
      isOver(`topic "${queue.topic}"`);
      isOver(`topic "${queue.topic}" partition ${queue.partition}`);
    }
    rests.forget(queue);
    if (part.records.length > 0)
      // Copied if several queues share one answer: else a slow queue would keep all of it in memory.
      queue.push(parts > 1 ? Buffer.from(part.records) : part.records);
  }

  async function place(queue: PartitionQueue): Promise<void> {
    try {
      await options.place(queue);
    } catch (error) {
      if (!signal.aborted) refused(queue, error as Error);
    }
  }

  /** Asks for the queue again later; for all queues if it is just moving to another broker. */
  function refused(queue: PartitionQueue, error: Error, code?: number): void {
    rests.begin(queue);
    if (code !== undefined && moved.has(code)) {
      rests.forget(queue);
      return markStale();
    }
    const isDenied = errorType(error) === "TOPIC_AUTHORIZATION_FAILED";
    const where = `topic "${queue.topic}"`;
    outageOf(isDenied ? where : `${where} partition ${queue.partition}`).found(
      explainError(error, { operation: "READ", topic: queue.topic }),
    );
    // It may have a new leader whose look-up failed.
    if (code === undefined) markStale();
  }

  return { wake, ended };
}
