/** What a pub/sub component is: the contract between the pub/sub building block and the drivers of brokers. */
import type { Call } from "./call.ts";
import { definer } from "./component.ts";
import type { Message, StopReading } from "./delivery.ts";

/** What a broker can do itself; what it lacks, the block does in its place. */
export type PubSubFeature =
  /** It drops messages whose `ttlInSeconds` is over; else the envelope carries `expiration`. */
  | "MESSAGE_TTL"
  /** A subscribed topic may be a pattern of the broker's. */
  | "SUBSCRIBE_WILDCARDS";

/** A message for the broker. `data` is stored as it is: an envelope as JSON, or whatever the publisher gave with `rawPayload`. */
export interface PublishRequest {
  /** As the broker knows it: with the namespace where the component has one. */
  topic: string;
  data: Uint8Array;
  /** Of `data`, e.g. `application/cloudevents+json`. */
  contentType: string;
  /** The request's metadata with what the block adds; brokers keep it with the message as far as they can. */
  metadata: Record<string, string>;
}

/** An entry of a bulk publish. */
export interface BulkEntry extends Omit<PublishRequest, "topic"> {
  /** Unique in its request. */
  entryId: string;
}

/** A message from the broker. `metadata` is what it kept of the publisher's, and what it says itself (`__key`, `__offset` …). */
export interface TopicMessage extends Message {
  /** The one it was published to, where a pattern is subscribed to. */
  topic: string;
  /** Of `data`, if the broker keeps it. */
  contentType?: string;
}

/**
 * Hands one message to the block. Resolves once it is done with: the app took it, it was dropped, or it
 * is in the dead-letter topic. Rejects otherwise, and the component delivers it again as its settings say; after a
 * DeliveryInterrupted it does so later, for the next reader. Not called twice at the same time for one partition.
 */
export type Handle = (message: TopicMessage) => Promise<void>;

/** The same for several at once. Resolves with an error for each message that is not done with, in the order of `messages`. */
export type HandleBulk = (
  messages: TopicMessage[],
) => Promise<(Error | undefined)[]>;

export interface SubscribeRequest {
  /** As the broker knows it. */
  topic: string;
  /** The subscription's metadata. */
  metadata: Record<string, string>;
}

/** How many messages a bulk holds at most, and how long its first one waits for others. */
export interface BulkLimits {
  maxMessages: number;
  maxAwaitMs: number;
}

export interface PubSub {
  features: readonly PubSubFeature[];
  /** Resolves once the broker has stored it. `call`: whoever waits for the answer. */
  publish(request: PublishRequest, call?: Call): Promise<void>;
  /**
   * Stores several; absent where the broker has no cheaper way than one after the other. `metadata` are the
   * request's; the entries have of them what is theirs already. Only Kafka, as in the original, gives them to each.
   * Resolves with an error for each entry that was not stored, in the order of `entries`.
   */
  publishBulk?(
    topic: string,
    entries: BulkEntry[],
    metadata: Record<string, string>,
    call?: Call,
  ): Promise<(Error | undefined)[]>;
  /**
   * Reads a topic. May be called again for it after its stop. Rejects if it can't be read;
   * a broker that is only late is no error.
   */
  subscribe(request: SubscribeRequest, handle: Handle): Promise<StopReading>;
  /** The same in bulks; absent where the block has to gather them. */
  subscribeBulk?(
    request: SubscribeRequest,
    limits: BulkLimits,
    handle: HandleBulk,
  ): Promise<StopReading>;
  close(): Promise<void>;
}

export const definePubSub = definer<PubSub>();
