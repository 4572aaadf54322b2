/**
 * Group commit to one topic: a lone message goes at once, what arrives while a
 * request is in flight goes together in the next. One request per broker is in
 * flight, so order per partition holds. A batch whose fate is unknown is sent
 * again unchanged under its own sequence number, and no other batch ever gets
 * that number: the broker stores it exactly once.
 */
import { doublingBackoff } from "./kafka-backoff.ts";
import {
  brokerError,
  closeCluster,
  errorType,
  openCluster,
  sendRaw,
  type Broker,
  type Cluster,
  type KafkaServer,
} from "./kafka-cluster.ts";
import { partitionOf } from "./kafka-partitioner.ts";
import {
  produceRequest,
  produceVersion,
  readProduceResponse,
} from "./kafka-produce-request.ts";
import { createPartitionQueue, type PartitionQueue } from "./kafka-queue.ts";
import {
  encodeBatch,
  recordSize,
  type Compression,
  type OutgoingRecord,
} from "./kafka-record-batch.ts";

export interface ProducerOptions {
  server: KafkaServer;
  topic: string;
  acks: "all" | "local" | "none";
  compression: Compression;
  maxMessageBytes: number;
  /** A message not stored after this time fails. */
  deadlineMs: number;
  /** Times a batch is sent again; undefined = until the deadline. */
  retries: number | undefined;
}

export interface OutgoingMessage extends OutgoingRecord {
  /** Where to, instead of by key or at random. */
  partition: number | undefined;
}

export interface KafkaProducer {
  /** Resolves once the brokers stored the message. */
  send(
    message: OutgoingMessage,
  ): Promise<{ partition: number; offset: number }>;
  close(): Promise<void>;
}

export interface Entry {
  message: OutgoingMessage;
  size: number;
  deadline: number;
  resolve(at: { partition: number; offset: number }): void;
  reject(error: Error): void;
}

export interface Identity {
  producerId: bigint;
  epoch: number;
}

/** What may wait at most while the broker is away; beyond it callers get an error at once. */
const maxWaitingBytes = 16 * 1024 * 1024;
const acksCode = { all: -1, local: 1, none: 0 };
/** Kafka's error codes by what they ask for. */
const tooLarge = new Set([10, 18]);
const storedBefore = 46;
const sequenceLost = new Set([45, 47, 49, 59]);
const worthAnotherTry = new Set([3, 5, 6, 7, 8, 9, 13, 19, 20, 56, 74, 75]);
const badRecord = new Set([2, 32, 87]);

export function openProducer(options: ProducerOptions): KafkaProducer {
  const { server, topic } = options;
  const closing = new AbortController();
  const idempotent = options.acks === "all";
  const queues = new Map<number, PartitionQueue>();
  /** Messages whose partition is not chosen yet, because the topic isn't known. */
  let unplaced: Entry[] = [];
  let waitingBytes = 0;
  let cluster: Cluster | undefined;
  let identity: Identity | undefined;
  let partitionCount = 0;
  let leaders = new Map<number, number>();
  let lastTrouble: Error | undefined;
  const busy = new Set<number>();
  const backoff = doublingBackoff(100, 1000);

  const where = `topic "${topic}" at ${server.brokers.join(",")}`;
  const failed = (reason: string) =>
    new Error(`kafka error: could not write to ${where}: ${reason}`);

  async function connectOnce(): Promise<void> {
    const next = openCluster(server);
    try {
      await next.connect();
      await next.addMultipleTargetTopics([topic]);
      if (idempotent && identity === undefined)
        identity = await newIdentity(next);
      readLeaders(next);
      cluster = next;
    } catch (error) {
      closeCluster(next);
      throw error;
    }
  }

  async function newIdentity(from: Cluster): Promise<Identity> {
    const broker = await from.findControllerBroker();
    const { producerId, producerEpoch } = await broker.initProducerId({
      transactionTimeout: 60_000,
    });
    return { producerId: BigInt(producerId), epoch: producerEpoch };
  }

  function readLeaders(from: Cluster): void {
    const partitions = from.findTopicPartitionMetadata(topic);
    partitionCount = partitions.length;
    leaders = new Map(partitions.map((p) => [p.partitionId, p.leader]));
  }

  let connecting: Promise<void> | undefined;
  /** Connects in the background and keeps trying; at most one such loop runs. */
  function connect(): void {
    connecting ??= (async () => {
      while (cluster === undefined && !closing.signal.aborted) {
        try {
          await connectOnce();
        } catch (error) {
          reportTrouble(error as Error);
          failOnMissingTopic(error);
          await backoff.wait(closing.signal);
        }
      }
      connecting = undefined;
      if (cluster === undefined) return;
      backoff.reset();
      if (lastTrouble !== undefined)
        server.log.info(`kafka: connected to ${where}`);
      lastTrouble = undefined;
      placeAll();
    })();
  }

  /** One log line for a trouble however often it repeats. */
  function reportTrouble(error: Error): void {
    if (closing.signal.aborted) return;
    if (lastTrouble?.message !== error.message)
      server.log.warn(
        `kafka: cannot reach ${where}, trying again until it works: ${error.message}`,
      );
    lastTrouble = error;
  }

  let topicMissingSince: number | undefined;
  /** A topic the broker neither has nor creates within 3 s: its callers need not wait any longer. */
  function failOnMissingTopic(error: unknown): void {
    if (errorType(error) !== "UNKNOWN_TOPIC_OR_PARTITION") {
      topicMissingSince = undefined;
      return;
    }
    topicMissingSince ??= Date.now();
    if (Date.now() - topicMissingSince < 3000) return;
    for (const entry of unplaced.splice(0))
      settle(entry).reject(
        failed(
          "the topic does not exist and the broker does not create topics by itself; create it first",
        ),
      );
  }

  /** The connection is of no use any more; a new one is made. */
  function drop(used: Cluster, error: Error): void {
    if (used !== cluster) return;
    cluster = undefined;
    closeCluster(used);
    reportTrouble(error);
    connect();
  }

  let whenSettled: (() => void) | undefined;
  function settle(entry: Entry): Entry {
    waitingBytes -= entry.size;
    if (waitingBytes === 0) whenSettled?.();
    return entry;
  }

  function placeAll(): void {
    for (const entry of unplaced.splice(0)) place(entry);
    for (const partition of queues.keys()) wake(partition);
  }

  function place(entry: Entry): void {
    const { partition, key } = entry.message;
    if (partition !== undefined && partition >= partitionCount) {
      settle(entry).reject(
        failed(
          `partitionNumber ${partition} is out of range: the topic has ${partitionCount} partition(s), counted from 0`,
        ),
      );
      return;
    }
    const chosen =
      partition ??
      (key && key.length > 0
        ? partitionOf(key, partitionCount)
        : Math.floor(Math.random() * partitionCount));
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
    const leader = leaders.get(partition);
    if (cluster === undefined || leader === undefined || busy.has(leader))
      return;
    busy.add(leader);
    // After this turn's reads, so that requests that arrived together go together.
    setImmediate(() => void drain(leader));
  }

  async function drain(leader: number): Promise<void> {
    const used = cluster;
    try {
      while (used !== undefined && used === cluster) {
        const ready = [...queues.values()].filter(
          (queue) => leaders.get(queue.partition) === leader && queue.fill(),
        );
        if (ready.length === 0) break;
        await sendRound(used, leader, ready);
      }
    } catch (error) {
      // What was in flight stays as it is in its queue and is sent again.
      drop(used!, error as Error);
    } finally {
      busy.delete(leader);
    }
    // Whatever came between the last look and now.
    if (used === cluster)
      for (const queue of queues.values())
        if (queue.entries.length > 0 || queue.batch) wake(queue.partition);
  }

  async function sendRound(
    used: Cluster,
    leader: number,
    ready: PartitionQueue[],
  ): Promise<void> {
    await used.refreshMetadataIfNecessary();
    const sender = idempotent
      ? (identity ??= await newIdentity(used))
      : undefined;
    const broker: Broker = await used.findBroker({ nodeId: leader });
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
    if (used !== cluster || batches.length === 0) return;
    const request = produceRequest(
      version,
      topic,
      batches,
      acksCode[options.acks],
      Math.min(options.deadlineMs, server.requestTimeoutMs),
    );
    const answer = await sendRaw(broker, request);
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
      reportTrouble(again);
      await backoff.wait(closing.signal);
      await used.refreshMetadata();
    } else {
      backoff.reset();
      lastTrouble = undefined;
    }
    readLeaders(used);
  }

  /** Acts on the broker's answer for one partition; returns the error if the batch must go again. */
  function finish(
    queue: PartitionQueue,
    code: number,
    baseOffset: number,
  ): Error | undefined {
    const batch = queue.batch;
    if (!batch) return undefined; // given up while in flight
    if (code === 0 || code === storedBefore) {
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
    if (sequenceLost.has(code)) {
      // The broker forgot this producer; under a new id the batch is new to it.
      identity = undefined;
      queue.restart();
      return error;
    }
    if (
      (tooLarge.has(code) || badRecord.has(code)) &&
      batch.entries.length > 1
    ) {
      queue.split();
      return undefined;
    }
    if (
      worthAnotherTry.has(code) &&
      batch.attempts <= (options.retries ?? Infinity)
    )
      return error;
    giveUp(queue);
    for (const entry of batch.entries)
      settle(entry).reject(failed(error.message));
    return undefined;
  }

  /** Forgets the batch on its way. If a try of it has an unknown end, its sequence numbers go with it. */
  function giveUp(queue: PartitionQueue, unknown = false): void {
    if (unknown || queue.batch!.attempts > 1) {
      identity = undefined;
      queue.abandon();
    } else queue.refused();
  }

  /** Fails what waited too long. */
  function expire(): void {
    const now = Date.now();
    const reason = lastTrouble?.message ?? "no answer from the broker";
    const late = (entry: Entry) => {
      if (entry.deadline > now) return false;
      settle(entry).reject(
        failed(`${reason} (gave up after ${options.deadlineMs} ms)`),
      );
      return true;
    };
    unplaced = unplaced.filter((entry) => !late(entry));
    for (const queue of queues.values()) {
      queue.entries = queue.entries.filter((entry) => !late(entry));
      const batch = queue.batch;
      if (!batch || batch.entries[0]!.deadline > now) continue;
      giveUp(queue, batch.attempts > 0);
      for (const entry of batch.entries)
        settle(entry).reject(
          failed(
            `${reason} (gave up after ${options.deadlineMs} ms; whether it was stored is not known)`,
          ),
        );
      if (cluster)
        drop(cluster, new Error("the broker did not answer in time"));
    }
  }

  const expiry = setInterval(expire, 250);
  expiry.unref();
  connect();

  return {
    send(message) {
      const size = recordSize(message);
      if (size > options.maxMessageBytes)
        return Promise.reject(
          failed(
            `message of ${size} bytes is larger than maxMessageBytes (${options.maxMessageBytes})`,
          ),
        );
      if (closing.signal.aborted)
        return Promise.reject(failed("the component is closed"));
      if (waitingBytes + size > maxWaitingBytes)
        return Promise.reject(
          failed(
            `${waitingBytes} bytes wait for the broker already; try again later${lastTrouble ? ` (${lastTrouble.message})` : ""}`,
          ),
        );
      waitingBytes += size;
      return new Promise((resolve, reject) => {
        const deadline = Date.now() + options.deadlineMs;
        const entry = { message, size, deadline, resolve, reject };
        if (cluster) place(entry);
        else {
          unplaced.push(entry);
          connect();
        }
      });
    },
    async close() {
      // What callers still wait for is given its time; expire() bounds it.
      if (waitingBytes > 0)
        await new Promise<void>((resolve) => (whenSettled = resolve));
      clearInterval(expiry);
      closing.abort();
      if (cluster) closeCluster(cluster);
      cluster = undefined;
      await connecting;
    },
  };
}
