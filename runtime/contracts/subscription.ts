/** A subscription, and the event that comes by it, in the terms of the app. */
import type { Position } from "../shared/position.ts";
import type { BulkLimits } from "./pubsub.ts";

export interface Subscription {
  pubsub: string;
  topic: string;
  /** Asked in their order: the first whose `match` (CEL over `event`) holds gives the path. An empty `match` always holds. */
  rules: readonly Rule[];
  /** Where an event goes that nobody takes. */
  deadLetterTopic?: string;
  /** For the component; `rawPayload` is for the block. */
  metadata: Readonly<Record<string, string>>;
  /** Set where events go to the app in bulks. */
  bulk?: BulkLimits;
  origin: "DECLARATIVE" | "PROGRAMMATIC" | "STREAMING";
  /** Where it is written, if in a file. */
  at?: Position;
}

export interface Rule {
  match: string;
  path: string;
  /** Where it is written, if in a file. */
  at?: Position;
}

/** An event on its way to the app. */
export interface TopicEvent {
  pubsub: string;
  topic: string;
  /** The app's path, as its rule says. */
  path: string;
  /** A CloudEvent as JSON, as it came from the broker where it was one. */
  envelope: Uint8Array;
  /** The envelope parsed, once for all who ask. */
  parsed(): CloudEvent;
  /** What the broker kept with the message. */
  metadata: Record<string, string>;
}

/** A CloudEvent's attributes by name, `data` and `data_base64` among them. */
export type CloudEvent = Readonly<Record<string, unknown>>;

/** One of a bulk; `raw` in place of the envelope where the subscription is raw. */
export interface BulkEvent {
  entryId: string;
  event: Pick<TopicEvent, "envelope" | "parsed"> | { raw: Uint8Array };
  contentType: string;
  metadata: Record<string, string>;
}

export interface BulkEvents {
  id: string;
  pubsub: string;
  topic: string;
  path: string;
  metadata: Record<string, string>;
  entries: BulkEvent[];
}

/** `drop`: it goes to the dead-letter topic, if there is one. `ignore`: it is done with, and goes nowhere. */
export type EventOutcome = "success" | "drop" | "ignore";

/** Told the app's answer, if it speaks HTTP. */
export type OnAnswer = (status: number, body: Uint8Array) => void;

/** What the app channel does for subscriptions. */
export interface TopicChannel {
  /**
   * The app's own subscriptions; none if it has no such route or method. `pubsub` is empty where the app names only
   * topics. Rejects when it can't be asked.
   */
  subscriptions(onAnswer?: OnAnswer): Promise<Subscription[]>;
  /**
   * Hands an event over, once it is its turn. Rejects with a DeliveryError, with its status if it has one,
   * when the app answered RETRY or an error, or could not be reached. When `limit` aborts, the call of the app ends.
   */
  deliverEvent(
    event: TopicEvent,
    onAnswer?: OnAnswer,
    limit?: AbortSignal,
  ): Promise<EventOutcome>;
  /**
   * The same for a bulk: for each entry, in order, what came of it, or why it has to come again.
   * Rejects as above where the bulk as a whole was not taken.
   */
  deliverEvents(
    events: BulkEvents,
    onAnswer?: OnAnswer,
    limit?: AbortSignal,
  ): Promise<(EventOutcome | Error)[]>;
}
