/**
 * A connection to a Kafka cluster: kafkajs' network, protocol and login code
 * without its producer and consumer. Those two lose data under faults: a retry
 * picks a new partition for a message without a key; a failed batch gives its
 * sequence numbers to other messages, which the broker then drops as
 * duplicates; one unfinished handler holds up all partitions of its broker. So
 * producer/producer.ts and consumer/consumer.ts replace them. The files in this
 * folder are the only ones that know kafkajs.
 */
import KafkaCluster from "kafkajs/src/cluster/index.js";
import loggers from "kafkajs/src/loggers/index.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import type { Logger } from "../../../shared/log.ts";
import { errorType } from "./errors.ts";
import {
  fetchMetadata,
  type Metadata,
  type PartitionMetadata,
} from "./protocol/metadata-request.ts";
import type { Connection, ConnectionPool } from "./protocol/request.ts";
import { libraryMs } from "../../../shared/timers.ts";

export interface Sasl {
  mechanism: "plain" | "scram-sha-256" | "scram-sha-512" | "oauthbearer";
  username?: string;
  password?: string;
  oauthBearerProvider?: () => Promise<{
    value: string;
    extensions?: Record<string, string>;
  }>;
}

/** How to reach the brokers; the same for every producer and consumer of a component. */
export interface KafkaServer {
  brokers: string[];
  clientId: string;
  tls: ConnectionOptions | undefined;
  sasl: Sasl | undefined;
  dialTimeoutMs: number;
  requestTimeoutMs: number;
  metadataRefreshMs: number;
  keepAliveMs: number;
  log: Logger;
}

interface GroupRequest {
  groupId: string;
  memberId: string;
}

/** The part of kafkajs' Broker that is used. */
export interface Broker {
  connect(): Promise<void>;
  findGroupCoordinator(request: {
    groupId: string;
    coordinatorType: number;
  }): Promise<{ coordinator: { nodeId: number } }>;
  metadata(topics: string[]): Promise<Metadata>;
  versions: Record<number, { minVersion: number; maxVersion: number }>;
  connectionPool: ConnectionPool;
  initProducerId(request: {
    transactionTimeout: number;
  }): Promise<{ producerId: string; producerEpoch: number }>;
  joinGroup(
    request: GroupRequest & {
      sessionTimeout: number;
      rebalanceTimeout: number;
      groupProtocols: { name: string; metadata: Buffer }[];
    },
  ): Promise<{
    generationId: number;
    leaderId: string;
    memberId: string;
    groupProtocol: string;
    members: { memberId: string; memberMetadata: Buffer }[];
  }>;
  syncGroup(
    request: GroupRequest & {
      generationId: number;
      groupAssignment: { memberId: string; memberAssignment: Buffer }[];
    },
  ): Promise<{ memberAssignment: Buffer }>;
  heartbeat(
    request: GroupRequest & { groupGenerationId: number },
  ): Promise<unknown>;
  leaveGroup(request: GroupRequest): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: TopicPartitions[];
  }): Promise<{ responses: TopicOffsets[] }>;
  offsetCommit(
    request: GroupRequest & {
      groupGenerationId: number;
      topics: TopicOffsets[];
    },
  ): Promise<unknown>;
}

export interface TopicPartitions {
  topic: string;
  partitions: { partition: number }[];
}

export interface TopicOffsets {
  topic: string;
  partitions: { partition: number; offset: string }[];
}

/** The part of kafkajs' Cluster that is used. */
export interface Cluster {
  connect(): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findTopicPartitionMetadata(topic: string): PartitionMetadata[];
  findBroker(node: { nodeId: number }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>;
  fetchTopicsOffset(
    topics: (TopicPartitions & {
      fromBeginning?: boolean;
      /** In milliseconds: asks for the first record that is not older; -1 if there is none. */
      fromTimestamp?: number;
    })[],
  ): Promise<TopicOffsets[]>;
  brokerPool: {
    brokers: Record<string, Broker>;
    seedBroker?: Broker;
    metadata: Metadata | null;
    createBroker(options: unknown): Broker;
    findConnectedBroker(): Promise<Broker>;
  };
}

// Without this, kafkajs sets a timer with a negative delay after each answer,
// which Node 24 reports as TimeoutNegativeWarning.
const queue = RequestQueue.prototype;
const scheduleCheck = queue.scheduleCheckPendingRequests;
queue.scheduleCheckPendingRequests = function () {
  if (this.pending.length > 0) scheduleCheck.call(this);
};

/** kafkajs connects again on its own; after closeCluster it must not. */
const closed = new WeakSet<Cluster>();

/** A cluster that is not connected yet. If anything goes wrong it is closed and replaced by a new one. */
export function openCluster(server: KafkaServer): Cluster {
  const cluster = new KafkaCluster({
    // kafkajs also throws all that it logs as an error. Whoever catches it
    // tells the user once, with the component's name.
    logger: loggers.createLogger({
      level: loggers.LEVELS.WARN,
      logCreator:
        () =>
        ({ log }) =>
          server.log.debug(`kafkajs: ${log.message}`),
    }),
    socketFactory: (to: {
      host: string;
      port: number;
      ssl: ConnectionOptions | undefined;
      onConnect: () => void;
    }) => {
      if (closed.has(cluster)) throw new Error("connection closed");
      const { host, port } = to;
      const name = isIP(host) ? {} : { servername: host };
      const socket = to.ssl
        ? connectTls({ host, port, ...name, ...to.ssl }, to.onConnect)
        : connectTcp({ host, port }, to.onConnect);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, server.keepAliveMs || 15_000);
      return socket;
    },
    brokers: server.brokers,
    ssl: server.tls,
    // A copy, because kafkajs keeps its authenticator inside.
    sasl: server.sasl && { ...server.sasl },
    clientId: server.clientId,
    connectionTimeout: libraryMs(server.dialTimeoutMs),
    authenticationTimeout: 10_000,
    reauthenticationThreshold: 10_000,
    requestTimeout: libraryMs(server.requestTimeoutMs),
    enforceRequestTimeout: true,
    metadataMaxAge: server.metadataRefreshMs,
    allowAutoTopicCreation: true,
    isolationLevel: 0,
    // Each broker of the list is tried once. Whether to wait longer is the caller's decision.
    retry: {
      retries: server.brokers.length - 1,
      initialRetryTime: 50,
      maxRetryTime: 500,
    },
  }) as Cluster;
  const { brokerPool } = cluster;
  const { createBroker } = brokerPool;
  const findConnected = brokerPool.findConnectedBroker.bind(brokerPool);
  // If there is a broker that answers, it is asked for the topics.
  brokerPool.findConnectedBroker = async () => {
    const all = Object.values(brokerPool.brokers);
    const good = all.filter((broker) => !isSuspect(broker));
    if (good.length < all.length)
      for (const broker of good)
        try {
          await broker.connect();
          return broker;
        } catch {
          // Then the next one, and in the end kafkajs' own choice, whose error says why.
        }
    return findConnected();
  };
  brokerPool.createBroker = (options) => {
    const broker = createBroker(options);
    broker.metadata = (topics) =>
      fetchMetadata(broker, topics).catch((error: Error) => {
        // A broker that gave no answer is asked after the others.
        if (errorType(error) === undefined) cutBroker(broker, error);
        throw error;
      });
    return broker;
  };
  return cluster;
}

/** The topic's ID, which an earlier topic of the same name does not share; undefined if the broker does not tell it. */
export function topicIdOf(cluster: Cluster, topic: string): string | undefined {
  return cluster.brokerPool.metadata?.topicMetadata.find(
    (found) => found.topic === topic,
  )?.topicId;
}

/** The node that leads a partition; -1 while none does, undefined if there is no such partition. */
export function leaderOf(
  cluster: Cluster,
  topic: string,
  partition: number,
): number | undefined {
  return cluster
    .findTopicPartitionMetadata(topic)
    .find(({ partitionId }) => partitionId === partition)?.leader;
}

/** Cuts all connections at once; whoever waits for an answer gets an error. */
export function closeCluster(cluster: Cluster): void {
  closed.add(cluster);
  const { brokers, seedBroker } = cluster.brokerPool;
  const all = new Set([...Object.values(brokers), seedBroker]);
  for (const broker of all)
    if (broker) cutBroker(broker, new Error("connection closed"));
}

/** Brokers that gave no answer, each with the time until which others are asked before it. */
const suspects = new WeakMap<Broker, number>();
const suspectMs = 15_000;
const isSuspect = (broker: Broker) =>
  performance.now() < (suspects.get(broker) ?? 0);

export function suspect(broker: Broker): void {
  suspects.set(broker, performance.now() + suspectMs);
}

/** Cuts the connections to one broker that gives no answer; the next request makes new ones. */
export function cutBroker(broker: Broker, error: Error): void {
  suspect(broker);
  for (const connection of broker.connectionPool.pool as Connection[]) {
    connection.rejectRequests(error);
    // For a broker that is gone, listeners would pile up for a connection that never comes.
    if (connection.socket?.destroyed) continue;
    // With an error, because an attempt to connect waits for connect or error.
    connection.socket?.destroy(error);
    void connection.disconnect();
  }
}
