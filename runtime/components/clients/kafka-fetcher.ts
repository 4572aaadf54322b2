/**
 * Fills lanes: one fetch request at a time per broker, for those of its
 * partitions that have room. A full lane is left out and so holds up no other.
 */
import { pause } from "./kafka-backoff.ts";
import {
  brokerError,
  sendRaw,
  type Broker,
  type Cluster,
} from "./kafka-cluster.ts";
import {
  fetchRequest,
  fetchVersion,
  readFetchResponse,
  type FetchedPartition,
  type FetchLimits,
} from "./kafka-fetch-request.ts";
import type { Lane } from "./kafka-lane.ts";

export interface FetcherOptions {
  cluster: Cluster;
  lanes: Lane[];
  limits: FetchLimits;
  /** Ends the work; requests in flight end when the caller closes the cluster. */
  signal: AbortSignal;
  /** A lane's position is gone from the log; resolves with where to go on. */
  onOutOfRange(lane: Lane): Promise<number>;
}

export interface Fetcher {
  /** A lane has room again. */
  wake(): void;
  /** Resolves when the signal fired; rejects on trouble with a broker. */
  readonly ended: Promise<void>;
}

/** A broker waits so long for the first record when it has none. */
const idleWaitMs = 500;
/** The same while a lane of that broker is full, so that it is soon asked for again. */
const fullWaitMs = 50;
const outOfRange = 1;
/** The partition is on another broker now, or is being moved. */
const moved = new Set([3, 5, 6, 9, 56, 74, 75, 78]);

export function startFetcher(options: FetcherOptions): Fetcher {
  const { cluster, lanes, signal } = options;
  let wakes: (() => void)[] = [];
  const wake = () => {
    for (const resume of wakes.splice(0)) resume();
  };
  signal.addEventListener("abort", wake);

  const ended = (async () => {
    while (!signal.aborted) {
      // Settled, not raced: no loop of the last round runs beside a new one.
      const round = { stale: false };
      const byLeader = Map.groupBy(lanes, leaderOf);
      const results = await Promise.allSettled(
        [...byLeader].map(([leader, own]) => fetchLoop(leader, own, round)),
      );
      const failed = results.find(({ status }) => status === "rejected");
      if (failed) throw (failed as PromiseRejectedResult).reason;
      if (signal.aborted) return;
      await pause(200, signal);
      await cluster.refreshMetadata();
    }
  })();

  function leaderOf(lane: Lane): number {
    const found = cluster
      .findTopicPartitionMetadata(lane.topic)
      .find(({ partitionId }) => partitionId === lane.partition);
    return found?.leader ?? -1;
  }

  async function fetchLoop(
    leader: number,
    own: Lane[],
    round: { stale: boolean },
  ): Promise<void> {
    if (leader < 0) {
      round.stale = true;
      return;
    }
    try {
      const broker = await cluster.findBroker({ nodeId: leader });
      let turn = 0;
      while (!signal.aborted && !round.stale) {
        const ready = own.filter((lane) => !lane.full);
        if (ready.length === 0) {
          await new Promise<void>((resolve) => wakes.push(resolve));
          continue;
        }
        // A different first one each time: an answer is filled from the front.
        turn = (turn + 1) % ready.length;
        const order = [...ready.slice(turn), ...ready.slice(0, turn)];
        const waitMs = ready.length < own.length ? fullWaitMs : idleWaitMs;
        const fetched = await fetch(broker, order, waitMs);
        if (signal.aborted) return;
        for (const part of fetched)
          await take(part, own, fetched.length, round);
      }
    } catch (error) {
      round.stale = true;
      wake();
      if (!signal.aborted) throw error;
    }
  }

  async function fetch(
    broker: Broker,
    order: Lane[],
    waitMs: number,
  ): Promise<FetchedPartition[]> {
    const version = fetchVersion(broker.versions);
    const positions = order.map(({ topic, partition, fetchOffset }) => ({
      topic,
      partition,
      offset: fetchOffset,
    }));
    const answer = await sendRaw(
      broker,
      fetchRequest(version, positions, options.limits, waitMs),
    );
    const { errorCode, partitions } = readFetchResponse(version, answer);
    if (errorCode !== 0) throw brokerError(errorCode);
    return partitions;
  }

  async function take(
    part: FetchedPartition,
    own: Lane[],
    parts: number,
    round: { stale: boolean },
  ): Promise<void> {
    const lane = own.find(
      ({ topic, partition }) =>
        topic === part.topic && partition === part.partition,
    )!;
    if (part.errorCode === outOfRange)
      lane.fetchOffset = await options.onOutOfRange(lane);
    else if (moved.has(part.errorCode)) round.stale = true;
    else if (part.errorCode !== 0) throw brokerError(part.errorCode);
    else if (part.records.length > 0)
      // A copy where several share one answer, or one slow lane keeps all of it in memory.
      lane.push(parts > 1 ? Buffer.from(part.records) : part.records);
  }

  return { wake, ended };
}
