/**
 * Turns messages into batches in the log. Each partition has a buffer and each
 * broker one request in flight, so the order per partition holds. A batch with an
 * unknown outcome is sent again unchanged under its own sequence number, and no
 * other batch ever gets that number: the broker stores it exactly once. A broker
 * or a partition that fails does not hold up any other.
 */
import { partitionOf } from "../../partitioner.ts";
import { doublingBackoff, type Backoff } from "../../../../shared/backoff.ts";
import { cutBroker, suspect, type Broker } from "../cluster.ts";
import { brokerError, isHopeless } from "../errors.ts";
import {
  maybeStoredCodes,
  produceRequest,
  produceVersion,
  readProduceResponse,
  verdictOf,
} from "../protocol/produce-request.ts";
import type { ProducerOptions } from "./options.ts";
import {
  createPartitionBuffer,
  type Batch,
  type Entry,
  type Identity,
  type PartitionBuffer,
} from "./partition-buffer.ts";
import { encodeBatch } from "../protocol/record-batch.ts";
import { sendRaw, type WireRequest } from "../protocol/request.ts";
import type { Topic } from "../topic.ts";
import type { Outage } from "../../../../shared/outage.ts";

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
  outage: Outage;
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
  const { outage, backoff, closing } = use;
  const { server } = options;
  const isIdempotent = options.acks === "all";
  const buffers = new Map<number, PartitionBuffer>();
  /** The producer ID of the next batches; a new one is asked for if there is none. */
  let identity: Identity | undefined;
  const busy = new Set<number>();
  const underWay = new Set<Batch>();

  function wakeAll(): void {
    for (const partition of buffers.keys()) wake(partition);
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
      const orphans = [...buffers.values()].filter(
        (buffer) =>
          (buffer.batch || buffer.entries.length > 0) &&
          used?.leaderOf(buffer.partition) === -1,
      );
      if (!used || orphans.length === 0) break;
      outage.found(
        `partition ${orphans.map(({ partition }) => partition).join(", ")} has no leader, as the brokers that hold it are down; other partitions go on`,
      );
      // Messages that were never sent and may go anywhere go to another partition.
      if (used.led.length > 0)
        for (const buffer of orphans) {
          const free = buffer.entries.filter(isFree);
          if (free.length === 0) continue;
          buffer.entries = buffer.entries.filter((entry) => !isFree(entry));
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
    let buffer = buffers.get(chosen);
    if (!buffer) {
      buffer = createPartitionBuffer(chosen, options.maxMessageBytes);
      buffers.set(chosen, buffer);
    }
    buffer.entries.push(entry);
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
        const ready = [...buffers.values()].filter(
          (buffer) =>
            used.leaderOf(buffer.partition) === leader && buffer.fill(),
        );
        if (ready.length === 0) break;
        await sendRound(used, leader, ready);
        // Callers that were just answered post again within a turn or two. With them the
        // next batch is full instead of a leftover.
        await new Promise((resolve) => setImmediate(setImmediate, resolve));
      }
    } catch (error) {
      // What was in flight stays in its buffer unchanged and is sent again, to
      // whoever leads then. Other brokers go on.
      if (used === topic() && !closing.aborted) {
        outage.found(explain(error));
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
      for (const buffer of buffers.values())
        if (buffer.entries.length > 0 || buffer.batch) wake(buffer.partition);
  }

  async function sendRound(
    used: Topic,
    leader: number,
    ready: PartitionBuffer[],
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
      const buffer = buffers.get(partition)!;
      again = finish(buffer, errorCode, baseOffset) ?? again;
    }
    if (again) {
      outage.found(again.message);
      await backoff.wait(closing);
      if (used === topic()) await used.refresh(true);
    } else {
      backoff.reset();
      outage.over();
    }
  }

  /** If there is no answer the connection is given up, so that the next request need not wait behind this one. */
  async function ask(
    used: Topic,
    leader: number,
    broker: Broker,
    ready: PartitionBuffer[],
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
    buffer: PartitionBuffer,
    code: number,
    baseOffset: number,
  ): Error | undefined {
    const batch = buffer.batch;
    if (!batch) return undefined; // given up while in flight
    const verdict = verdictOf(code);
    if (verdict === "stored") {
      buffer.stored();
      batch.entries.forEach((entry, index) =>
        settle(entry).resolve({
          partition: buffer.partition,
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
      buffer.restart();
      return error;
    }
    const triesLeft = batch.attempts <= (options.retries ?? Infinity);
    if (verdict === "again" && triesLeft) return error;
    forget(buffer);
    if (verdict === "split" && batch.entries.length > 1) buffer.split(batch);
    else
      for (const entry of batch.entries)
        settle(entry).reject(failed(explain(error)));
    return undefined;
  }

  /** Gives up the batch under way. If the outcome of a try is unknown, its sequence numbers are never used again. */
  function forget(buffer: PartitionBuffer): void {
    if (buffer.batch!.maybeStored) {
      identity = undefined;
      buffer.abandon();
    } else buffer.refused();
  }

  /** Fails the batch that was under way. */
  function giveUp(buffer: PartitionBuffer, reason: string): void {
    const { entries, maybeStored } = buffer.batch!;
    forget(buffer);
    for (const entry of entries)
      settle(entry).reject(failed(`${reason}${maybeStored ? unknown : ""}`));
  }

  return {
    place,
    wakeAll,
    failAll(reason) {
      for (const buffer of buffers.values()) {
        for (const entry of buffer.entries.splice(0))
          settle(entry).reject(failed(reason));
        if (buffer.batch && !underWay.has(buffer.batch)) giveUp(buffer, reason);
      }
    },
    expire(isLate, reason) {
      let wasUnderWay = false;
      for (const buffer of buffers.values()) {
        const late = buffer.entries.filter(isLate);
        if (late.length > 0)
          buffer.entries = buffer.entries.filter(
            (entry) => !late.includes(entry),
          );
        for (const entry of late) settle(entry).reject(failed(reason));
        const { batch } = buffer;
        if (!batch || !isLate(batch.entries[0]!)) continue;
        if (underWay.has(batch)) {
          wasUnderWay = true;
          batch.maybeStored = true;
        }
        giveUp(buffer, reason);
      }
      return wasUnderWay;
    },
  };
}
