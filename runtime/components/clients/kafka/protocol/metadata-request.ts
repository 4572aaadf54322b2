/**
 * Kafka's Metadata request, version 4 (Kafka 0.11) or 10 (2.8). Version 10 tells
 * topics apart that have had the same name. kafkajs' own request is not used: it
 * fails as a whole if one partition has no leader.
 */
import { brokerError } from "../errors.ts";
import { sendRaw, type ConnectionPool } from "./request.ts";
import { compactLength, int16, int32, wireReader } from "./wire.ts";

export interface Metadata {
  brokers: {
    nodeId: number;
    host: string;
    port: number;
    rack: string | undefined;
  }[];
  controllerId: number;
  topicMetadata: TopicMetadata[];
}

export interface TopicMetadata {
  topic: string;
  topicErrorCode: number;
  /** Hexadecimal digits; undefined from a broker older than 2.8. */
  topicId: string | undefined;
  partitionMetadata: PartitionMetadata[];
}

export interface PartitionMetadata {
  partitionId: number;
  partitionErrorCode: number;
  /** The leader; -1 if there is none at the moment. */
  leader: number;
}

const apiKey = 3;
/** Short, as any other broker can be asked instead. */
const answerMs = 5000;

/** Asks for these topics; the broker may create them on this occasion. Rejects with an error of a topic, not of a partition. */
export async function fetchMetadata(
  broker: {
    connectionPool: ConnectionPool;
    versions: Record<number, { maxVersion: number }>;
  },
  topics: string[],
): Promise<Metadata> {
  const version = (broker.versions[apiKey]?.maxVersion ?? 0) >= 10 ? 10 : 4;
  const answer = await sendRaw(broker, {
    apiKey,
    apiVersion: version,
    apiName: "Metadata",
    body: [metadataRequest(version, topics)],
    timeoutMs: answerMs,
  });
  const metadata = readMetadataResponse(version, answer);
  const failed = metadata.topicMetadata.find((t) => t.topicErrorCode !== 0);
  if (failed)
    throw Object.assign(brokerError(failed.topicErrorCode), {
      topic: failed.topic,
    });
  return metadata;
}

export function metadataRequest(version: 4 | 10, topics: string[]): Buffer {
  const isFlexible = version >= 10;
  const parts: Buffer[] = [];
  // The request header's own tagged fields.
  if (isFlexible) parts.push(Buffer.of(0), compactLength(topics.length));
  else parts.push(int32(topics.length));
  for (const topic of topics) {
    const name = Buffer.from(topic);
    if (isFlexible)
      parts.push(Buffer.alloc(16), compactLength(name.length), name, zero);
    else parts.push(int16(name.length), name);
  }
  // May be created; no lists of rights.
  parts.push(isFlexible ? Buffer.of(1, 0, 0, 0) : Buffer.of(1));
  return Buffer.concat(parts);
}

export function readMetadataResponse(version: 4 | 10, bytes: Buffer): Metadata {
  const isFlexible = version >= 10;
  const read = wireReader(bytes, isFlexible);
  read.tags();
  read.int32(); // throttle time
  const brokers = read.array(() => {
    const broker = {
      nodeId: read.int32(),
      host: read.text(),
      port: read.int32(),
      rack: read.text() || undefined,
    };
    read.tags();
    return broker;
  });
  read.text(); // cluster
  const controllerId = read.int32();
  const topicMetadata = read.array(() => {
    const topicErrorCode = read.int16();
    const topic = read.text();
    const topicId = isFlexible ? read.uuid() : undefined;
    read.int8(); // internal
    const partitionMetadata = read.array(() => {
      const partitionErrorCode = read.int16();
      const partitionId = read.int32();
      const leader = read.int32();
      if (isFlexible) read.int32(); // leader epoch
      read.array(read.int32); // replicas
      read.array(read.int32); // in sync
      if (isFlexible) read.array(read.int32); // offline
      read.tags();
      return { partitionErrorCode, partitionId, leader };
    });
    if (isFlexible) read.int32(); // rights
    read.tags();
    return { topicErrorCode, topic, topicId, partitionMetadata };
  });
  return { brokers, controllerId, topicMetadata };
}

const zero = Buffer.of(0);
