/**
 * Turns messages into batches in the log. Each partition has a queue and each
 * broker one request in flight, so the order per partition holds. A batch with
 * an unknown outcome is sent again unchanged under its own sequence number, and no
 * other batch ever gets that number: the broker stores it exactly once. A broker
 * or a partition that fails does not hold up any other.
 */
import { partitionOf } from "../partitioner.ts";
import { doublingBackoff, type Backoff } from "./kafka-backoff.ts";
import { cutBroker, suspect, type Broker } from "./kafka-cluster.ts";
import { brokerError, isHopeless } from "./kafka-errors.ts";
import {
  maybeStoredCodes,
  produceRequest,
  produceVersion,
  readProduceResponse,
  verdictOf,
} from "./kafka-produce-request.ts";
import type { ProducerOptions } from "./kafka-producer.ts";
import {
  createPartitionQueue,
  type Batch,
  type Entry,
  type Identity,
  type PartitionQueue,
} from "./kafka-queue.ts";
import { encodeBatch } from "./kafka-record-batch.ts";
import { sendRaw, type WireRequest } from "./kafka-request.ts";
import type { Topic } from "./kafka-topic.ts";
import type { Trouble } from "./kafka-trouble.ts";

export interface DispatchOptions {
  options: ProducerOptions;
  /** Undefined while not connected. */
  topic(): Topic | undefined;
  /** Called when the connection can't be used any more. */
  drop(used: Topic, error: unknown): void;
  /** Takes a message back, to keep it until there is a connection again. */
  postpone(entry: Entry): void;
  /** Called when a message's outcome is known: the caller resolves or rejects it. */
  settle(entry: Entry): Entry;
  failed(reason: string): Error;
  explain(error: unknown): string;
  trouble: Trouble;
  backoff: Backoff;
  closing: AbortSignal;
}

export interface Dispatch {
  /** Chooses the partition and sends; only while connected. */
  place(entry: Entry): void;
  /** Sends all that waits. */
  wakeAll(): void;
  /** Fails all messages that are not under way. */
  failAll(reason: string): void;
  /** Fails the messages that are late; true if some of them are under way, so that an answer may still come. */
  expire(isLate: (entry: Entry) => boolean, reason: string): boolean;
}

/** After so long without an answer a broker is asked again. */
const answerMs = 5000;
/** After waiting so long for an answer, the leader is looked up now and then. */
const doubtMs = 2000;
const unknown = "; whether it was stored is not known";
const acksCode = { all: -1, local: 1, none: 0 };

export function createDispatch(use: DispatchOptions): Dispatch {
  const { options, topic, drop, postpone, settle, failed, explain } = use;
  const { trouble, backoff, closing } = use;
  const { server } = options;
  const isIdempotent = options.acks === "all";
  const queues = new Map<number, PartitionQueue>();
  /** The producer ID of the next batches; a new one is asked for if there is none. */
  let identity: Identity | undefined;
  const busy = new Set<number>();
  const underWay = new Set<Batch>();

  function wakeAll(): void {
    for (const partition of queues.keys()) wake(partition);
  }

  /** Looks up who leads each partition, and sends what could not be sent before. */
  async function lookUp(used: Topic): Promise<void> {
    try {
      await used.refresh(true);
    } catch (error) {
      return drop(used, error);
    }
    if (used === topic()) wakeAll();
  }

  let looking = false;
  /** Runs until all partitions with waiting messages have a leader. */
  async function awaitLeaders(): Promise<void> {
    if (looking) return;
    looking = true;
    const lasting = doublingBackoff(200, 1000);
    for (;;) {
      const used = topic();
      const orphans = [...queues.values()].filter(
        (queue) =>
          (queue.batch || queue.entries.length > 0) &&
          used?.leaderOf(queue.partition) === -1,
      );
      if (!used || orphans.length === 0) break;
      trouble.found(
        `partition ${orphans.map(({ partition }) => partition).join(", ")} has no leader, as the brokers that hold it are down; other partitions go on`,
      );
      // Messages that were never sent and may go anywhere go to another partition.
      if (used.led.length > 0)
        for (const queue of orphans) {
          const free = queue.entries.filter(isFree);
          if (free.length === 0) continue;
          queue.entries = queue.entries.filter((entry) => !isFree(entry));
          for (const entry of free) place(entry);
        }
      await lasting.wait(closing);
      if (closing.aborted) break;
      await lookUp(used);
    }
    looking = false;
  }

  /** Whether neither its key nor its sender says where it goes. */
  const isFree = ({ message: { partition, key } }: Entry) =>
    partition === undefined && !key?.length;

  /** A partition that a sender named but that is not known may be new. It is looked up once for all that wait. */
  let beyond: Entry[] = [];
  async function placeBeyond(used: Topic, entry: Entry): Promise<void> {
    beyond.push(entry);
    if (beyond.length > 1) return;
    await used.refresh(true).catch((error: unknown) => drop(used, error));
    for (const late of beyond.splice(0))
      if (topic()) place(late, true);
      else postpone(late);
  }

  function place(entry: Entry, isLookedUp = false): void {
    const { partition, key } = entry.message;
    const { partitionCount, led } = topic()!;
    if (partition !== undefined && partition >= partitionCount) {
      if (!isLookedUp) return void placeBeyond(topic()!, entry);
      settle(entry).reject(
        failed(
          `partitionNumber ${partition} is out of range: the topic has ${partitionCount} partition(s), counted from 0`,
        ),
      );
      return;
    }
    const chosen =
      isFree(entry) && led.length > 0
        ? led[partitionOf(undefined, led.length)]!
        : (partition ??
          partitionOf(key?.length ? key : undefined, partitionCount));
    let queue = queues.get(chosen);
    if (!queue) {
      queue = createPartitionQueue(chosen, options.maxMessageBytes);
      queues.set(chosen, queue);
    }
    queue.entries.push(entry);
    wake(chosen);
  }

  /** Starts sending to the partition's broker unless a request is in flight there already. */
  function wake(partition: number): void {
    const leader = topic()?.leaderOf(partition);
    if (leader === -1) return void awaitLeaders();
    if (leader === undefined || busy.has(leader)) return;
    busy.add(leader);
    // After this turn's reads, so that requests that arrived together go together.
    setImmediate(() => void drain(leader));
  }

  async function drain(leader: number): Promise<void> {
    const used = topic();
    try {
      while (used !== undefined && used === topic()) {
        const ready = [...queues.values()].filter(
          (queue) => used.leaderOf(queue.partition) === leader && queue.fill(),
        );
        if (ready.length === 0) break;
        await sendRound(used, leader, ready);
        // Callers that were just answered post again within a turn or two. With them the
        // next batch is full instead of a leftover.
        await new Promise((resolve) => setImmediate(setImmediate, resolve));
      }
    } catch (error) {
      // What was in flight stays in its queue unchanged and is sent again, to
      // whoever leads then. Other brokers go on.
      if (used === topic() && !closing.aborted) {
        trouble.found(explain(error));
        if (isHopeless(error)) drop(used!, error);
        else {
          await backoff.wait(closing);
          await lookUp(used!);
        }
      }
    } finally {
      busy.delete(leader);
    }
    // What has come since the last look.
    if (used === topic())
      for (const queue of queues.values())
        if (queue.entries.length > 0 || queue.batch) wake(queue.partition);
  }

  async function sendRound(
    used: Topic,
    leader: number,
    ready: PartitionQueue[],
  ): Promise<void> {
    await used.refresh();
    const sender = isIdempotent
      ? (identity ??= await used.newIdentity())
      : undefined;
    const broker = await used.broker(leader);
    const version = produceVersion(broker.versions);
    const batches = [];
    for (const { partition, batch, nextSequence } of ready) {
      if (!batch) continue; // given up meanwhile
      batch.sequence ??= nextSequence(sender);
      batch.bytes ??= await encodeBatch(
        batch.entries.map((entry) => entry.message),
        batch.sequence,
        options.compression,
      );
      batch.attempts++;
      batches.push({ partition, batch: batch.bytes });
    }
    if (used !== topic() || batches.length === 0) return;
    const request = produceRequest(
      version,
      options.topic,
      batches,
      acksCode[options.acks],
      Math.min(answerMs, options.deadlineMs, server.requestTimeoutMs),
    );
    const answer = await ask(used, leader, broker, ready, request);
    const results = request.expectResponse
      ? readProduceResponse(version, answer)
      : ready.map(({ partition }) => ({
          partition,
          errorCode: 0,
          baseOffset: -1,
        }));
    let again: Error | undefined;
    for (const { partition, errorCode, baseOffset } of results) {
      const queue = queues.get(partition)!;
      again = finish(queue, errorCode, baseOffset) ?? again;
    }
    if (again) {
      trouble.found(again.message);
      await backoff.wait(closing);
      if (used === topic()) await used.refresh(true);
    } else {
      backoff.reset();
      trouble.over();
    }
  }

  /** If there is no answer the connection is given up, so that the next request need not wait behind this one. */
  async function ask(
    used: Topic,
    leader: number,
    broker: Broker,
    ready: PartitionQueue[],
    request: WireRequest,
  ): Promise<Buffer> {
    const batches = ready.flatMap(({ batch }) => batch ?? []);
    for (const batch of batches) underWay.add(batch);
    const doubt = setInterval(() => {
      suspect(broker);
      used.refresh(true).then(
        () => {
          if (ready.some((q) => used.leaderOf(q.partition) !== leader))
            cutBroker(broker, new Error("another broker leads now"));
        },
        (error: unknown) =>
          server.log.debug(`kafka: looking up topics: ${explain(error)}`),
      );
    }, doubtMs);
    try {
      return await sendRaw(broker, request);
    } catch (error) {
      for (const batch of batches) batch.maybeStored = true;
      cutBroker(broker, new Error("the broker did not answer in time"));
      throw error;
    } finally {
      clearInterval(doubt);
      for (const batch of batches) underWay.delete(batch);
    }
  }

  /** Acts on the broker's answer for one partition; returns the error if the batch must be sent again. */
  function finish(
    queue: PartitionQueue,
    code: number,
    baseOffset: number,
  ): Error | undefined {
    const batch = queue.batch;
    if (!batch) return undefined; // given up while in flight
    const verdict = verdictOf(code);
    if (verdict === "stored") {
      queue.stored();
      batch.entries.forEach((entry, index) =>
        settle(entry).resolve({
          partition: queue.partition,
          offset: code === 0 ? baseOffset + index : -1,
        }),
      );
      return undefined;
    }
    const error = brokerError(code);
    batch.maybeStored ||= maybeStoredCodes.has(code);
    if (verdict === "renew") {
      // To the broker a batch with a new producer ID is a new batch.
      identity = undefined;
      queue.restart();
      return error;
    }
    const triesLeft = batch.attempts <= (options.retries ?? Infinity);
    if (verdict === "again" && triesLeft) return error;
    forget(queue);
    if (verdict === "split" && batch.entries.length > 1) queue.split(batch);
    else
      for (const entry of batch.entries)
        settle(entry).reject(failed(explain(error)));
    return undefined;
  }

  /** Gives up the batch under way. If the outcome of a try is unknown, its sequence numbers are never used again. */
  function forget(queue: PartitionQueue): void {
    if (queue.batch!.maybeStored) {
      identity = undefined;
      queue.abandon();
    } else queue.refused();
  }

  /** Fails the batch that was under way. */
  function giveUp(queue: PartitionQueue, reason: string): void {
    const { entries, maybeStored } = queue.batch!;
    forget(queue);
    for (const entry of entries)
      settle(entry).reject(failed(`${reason}${maybeStored ? unknown : ""}`));
  }

  return {
    place,
    wakeAll,
    failAll(reason) {
      for (const queue of queues.values()) {
        for (const entry of queue.entries.splice(0))
          settle(entry).reject(failed(reason));
        if (queue.batch && !underWay.has(queue.batch)) giveUp(queue, reason);
      }
    },
    expire(isLate, reason) {
      let wasUnderWay = false;
      for (const queue of queues.values()) {
        const late = queue.entries.filter(isLate);
        if (late.length > 0)
          queue.entries = queue.entries.filter(
            (entry) => !late.includes(entry),
          );
        for (const entry of late) settle(entry).reject(failed(reason));
        const { batch } = queue;
        if (!batch || !isLate(batch.entries[0]!)) continue;
        if (underWay.has(batch)) {
          wasUnderWay = true;
          batch.maybeStored = true;
        }
        giveUp(queue, reason);
      }
      return wasUnderWay;
    },
  };
}
