/**
 * A connection to a Kafka cluster: kafkajs' network, protocol and login code
 * without its producer and consumer. Those two lose data under faults (a retry
 * draws a new partition for a message without a key; a failed batch gives its
 * sequence numbers to other messages, which the broker then drops as
 * duplicates; one unfinished handler holds up every partition of its broker),
 * so kafka-producer.ts and kafka-consumer.ts stand in their place. The kafka*.ts
 * files in this folder are the only ones that know kafkajs.
 */
import KafkaCluster from "kafkajs/src/cluster/index.js";
import loggers from "kafkajs/src/loggers/index.js";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import errors from "kafkajs/src/protocol/error.js";
import { connect as connectTcp, isIP } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import type { Logger } from "../../log.ts";
import { libraryMs } from "../../timers.ts";

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

export interface WireRequest {
  apiKey: number;
  apiVersion: number;
  apiName: string;
  /** The bytes after the request header, in pieces. */
  body: Buffer[];
  expectResponse?: boolean;
  timeoutMs?: number;
}

interface Connection {
  clientId: string;
  socket?: {
    destroy(error: Error): void;
    cork(): void;
    write(bytes: Buffer): void;
    uncork(): void;
  };
  authenticate(): Promise<void>;
  isConnected(): boolean;
  nextCorrelationId(): number;
  requestQueue: {
    push(request: {
      entry: {
        apiKey: number;
        apiVersion: number;
        apiName: string;
        correlationId: number;
        resolve(answer: { payload: Buffer }): void;
        reject(error: Error): void;
      };
      expectResponse: boolean;
      requestTimeout: number | undefined;
      sendRequest(): void;
    }): void;
  };
  rejectRequests(error: Error): void;
  disconnect(): Promise<unknown>;
}

interface GroupRequest {
  groupId: string;
  memberId: string;
}

/** The part of kafkajs' Broker in use. */
export interface Broker {
  versions: Record<number, { minVersion: number; maxVersion: number }>;
  connectionPool: {
    pool: Connection[];
    getConnectionByRequest(protocol: {
      request: { apiKey: number };
    }): Promise<Connection>;
  };
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

/** The part of kafkajs' Cluster in use. */
export interface Cluster {
  connect(): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findTopicPartitionMetadata(
    topic: string,
  ): { partitionId: number; leader: number }[];
  findBroker(node: { nodeId: number }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>;
  fetchTopicsOffset(
    topics: (TopicPartitions & { fromBeginning: boolean })[],
  ): Promise<TopicOffsets[]>;
  brokerPool: { brokers: Record<string, Broker>; seedBroker?: Broker };
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

/** A cluster not yet connected. On any trouble it is closed and a new one takes its place. */
export function openCluster(server: KafkaServer): Cluster {
  const cluster = new KafkaCluster({
    // Whatever kafkajs logs as an error it also throws, and who catches it
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
    // Each broker of the list is tried once; waiting longer is up to the caller.
    retry: {
      retries: server.brokers.length - 1,
      initialRetryTime: 50,
      maxRetryTime: 500,
    },
  }) as Cluster;
  return cluster;
}

/** Cuts every connection at once; whoever waits for an answer gets an error. */
export function closeCluster(cluster: Cluster): void {
  closed.add(cluster);
  const { brokers, seedBroker } = cluster.brokerPool;
  const all = new Set([...Object.values(brokers), seedBroker]);
  for (const broker of all)
    for (const connection of broker?.connectionPool.pool ?? []) {
      const error = new Error("connection closed");
      connection.rejectRequests(error);
      // With an error, because an attempt to connect waits for connect or error.
      connection.socket?.destroy(error);
      void connection.disconnect();
    }
}

/**
 * Sends a request encoded here and resolves with the bytes of its answer. Not
 * by kafkajs' own send, which copies a request three times on its way.
 */
export async function sendRaw(
  broker: Broker,
  request: WireRequest,
): Promise<Buffer> {
  const { body, apiKey, apiVersion, apiName } = request;
  const connection = await broker.connectionPool.getConnectionByRequest({
    request,
  });
  await connection.authenticate();
  if (!connection.isConnected()) throw new Error("connection closed");
  const correlationId = connection.nextCorrelationId();
  const client = Buffer.from(connection.clientId);
  const head = Buffer.allocUnsafe(14 + client.length);
  const bodySize = body.reduce((size, piece) => size + piece.length, 0);
  head.writeInt32BE(head.length - 4 + bodySize, 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt16BE(apiVersion, 6);
  head.writeInt32BE(correlationId, 8);
  head.writeInt16BE(client.length, 12);
  client.copy(head, 14);
  const { payload } = await new Promise<{ payload: Buffer }>(
    (resolve, reject) =>
      connection.requestQueue.push({
        entry: { apiKey, apiVersion, apiName, correlationId, resolve, reject },
        expectResponse: request.expectResponse !== false,
        requestTimeout: request.timeoutMs,
        sendRequest() {
          const socket = connection.socket!;
          socket.cork();
          socket.write(head);
          for (const piece of body) socket.write(piece);
          socket.uncork();
        },
      }),
  );
  return payload;
}

/** The broker's error code as an error with Kafka's name of it as `type`. */
export function brokerError(code: number): Error & { type: string } {
  return errors.createErrorFromCode(code);
}

/** Kafka's name of an error (`UNKNOWN_TOPIC_OR_PARTITION`), however deep kafkajs wrapped it. */
export function errorType(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause)
    if ("type" in e && typeof e.type === "string") return e.type;
  return undefined;
}

/** The brokers refused user, password or token. */
export function isLoginError(error: Error): boolean {
  return error.name === "KafkaJSSASLAuthenticationError";
}
