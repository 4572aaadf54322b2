/**
 * Fills lanes: one fetch request at a time per broker, for those of its
 * partitions that have room. A problem with one partition or broker holds up no
 * other: a full lane is left out, a missing leader is looked up, a refused
 * partition is asked for again later.
 */
import type { Logger } from "../../log.ts";
import { doublingBackoff, pause } from "./kafka-backoff.ts";
import {
  cutBroker,
  leaderOf,
  topicIdOf,
  type Broker,
  type Cluster,
} from "./kafka-cluster.ts";
import { brokerError, errorType, explainError } from "./kafka-errors.ts";
import {
  fetchRequest,
  fetchVersion,
  readFetchResponse,
  type FetchedPartition,
  type FetchLimits,
} from "./kafka-fetch-request.ts";
import type { Lane } from "./kafka-lane.ts";
import { sendRaw } from "./kafka-request.ts";
import { createRests } from "./kafka-rests.ts";
import { watchTrouble, type Trouble } from "./kafka-trouble.ts";

export interface FetcherOptions {
  cluster: Cluster;
  lanes: Lane[];
  limits: FetchLimits;
  /** The ID of each topic of the lanes, if the brokers tell it. */
  topicIds: ReadonlyMap<string, string>;
  log: Logger;
  /** Ends the work; requests in flight end when the caller closes the cluster. */
  signal: AbortSignal;
  /** Gives a position to a lane that has none yet, or whose position is not in the log. */
  place(lane: Lane): Promise<void>;
  /** Called whenever a broker has answered, so often. */
  onAnswer(): void;
}

export interface Fetcher {
  /** To be called when a lane has room again. */
  wake(): void;
  /** Resolves when the signal fires; rejects when the topics must be looked up again. */
  readonly ended: Promise<void>;
}

/** How long a broker waits for the first record if it has none. */
const idleWaitMs = 500;
/** The same while a lane of that broker is full, so that it is soon asked for again. */
const fullWaitMs = 50;
const outOfRange = 1;
/** Errors that mean: the partition is on another broker now, is being moved, or its topic has changed. */
const moved = new Set([3, 5, 6, 9, 56, 74, 75, 78, 100, 103]);

export function startFetcher(options: FetcherOptions): Fetcher {
  const { cluster, lanes, topicIds, log, signal } = options;
  /** For each broker, the lanes it leads, and whether a loop runs for it. */
  let led = new Map<number, Lane[]>();
  const running = new Set<number>();
  const rests = createRests(signal, () => wake());
  const troubles = new Map<string, Trouble>();
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

  /** Gives each lane to its leader; returns whether there are lanes without a leader. */
  function layOut(): boolean {
    const byLeader = Map.groupBy(
      lanes,
      ({ topic, partition }) => leaderOf(cluster, topic, partition) ?? -1,
    );
    const orphans = byLeader.get(-1) ?? [];
    byLeader.delete(-1);
    led = byLeader;
    for (const { topic, partition } of orphans)
      troubleOf(`topic "${topic}" partition ${partition}`).found(
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

  function troubleOf(where: string): Trouble {
    let trouble = troubles.get(where);
    if (!trouble) troubles.set(where, (trouble = watchTrouble(log, where)));
    return trouble;
  }

  function isOver(where: string): void {
    troubles.get(where)?.over();
    troubles.delete(where);
  }

  async function fetchLoop(leader: number): Promise<void> {
    const where = `broker ${leader}`;
    try {
      for (let turn = 0; ; turn++) {
        const own = led.get(leader);
        if (signal.aborted || !own) return;
        const ready = own.filter((lane) => !lane.full && !rests.has(lane));
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
          if (troubles.size > 0) isOver(where);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      troubleOf(where).found(explainError(error));
      // Its partitions may be led by another broker by now.
      markStale();
    }
  }

  async function fetch(
    broker: Broker,
    ready: Lane[],
    waitMs: number,
    leader: number,
  ): Promise<void> {
    const version = fetchVersion(broker.versions, topicIds.size > 0);
    const asked = ready.map((lane) => ({
      topic: lane.topic,
      partition: lane.partition,
      offset: lane.fetchOffset,
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
      const lane = ready[at];
      // A late answer does not count if another leader has been asked meanwhile.
      if (
        lane &&
        lane.fetchOffset === asked[at]!.offset &&
        led.get(leader)?.includes(lane)
      )
        await take(part, lane, partitions.length);
    }
  }

  async function take(
    part: FetchedPartition,
    lane: Lane,
    parts: number,
  ): Promise<void> {
    if (part.errorCode === outOfRange) return place(lane);
    if (part.errorCode !== 0)
      return refused(lane, brokerError(part.errorCode), part.errorCode);
    if (troubles.size > 0) {
      isOver(`topic "${lane.topic}"`);
      isOver(`topic "${lane.topic}" partition ${lane.partition}`);
    }
    rests.forget(lane);
    if (part.records.length > 0)
      // Copied if several lanes share one answer: else a slow lane would keep all of it in memory.
      lane.push(parts > 1 ? Buffer.from(part.records) : part.records);
  }

  async function place(lane: Lane): Promise<void> {
    try {
      await options.place(lane);
    } catch (error) {
      if (!signal.aborted) refused(lane, error as Error);
    }
  }

  /** Asks for the lane again later; for all lanes if it is just moving to another broker. */
  function refused(lane: Lane, error: Error, code?: number): void {
    rests.begin(lane);
    if (code !== undefined && moved.has(code)) {
      rests.forget(lane);
      return markStale();
    }
    const isDenied = errorType(error) === "TOPIC_AUTHORIZATION_FAILED";
    const where = `topic "${lane.topic}"`;
    troubleOf(isDenied ? where : `${where} partition ${lane.partition}`).found(
      explainError(error, { operation: "READ", topic: lane.topic }),
    );
    // It may have a new leader whose look-up failed.
    if (code === undefined) markStale();
  }

  return { wake, ended };
}
