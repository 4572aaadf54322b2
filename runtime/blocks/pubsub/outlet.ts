/** One topic of a component, as a request of the app publishes to it. */
import type { Call } from "../../contracts/call.ts";
import type { BulkEntry } from "../../contracts/pubsub.ts";
import type { Trace } from "../../shared/trace-context.ts";
import { completed, newEnvelope, type EventFacts } from "./envelope.ts";
import type { PubSubErrors } from "./errors.ts";
import { contentOf, type EventContent } from "./event-content.ts";
import { overridesIn, ttlMs, type Metadata } from "./overrides.ts";
import type { NamedPubSub } from "./named-pubsub.ts";
import { publishEach } from "./publish-each.ts";

/** What the app publishes. */
export interface NewEvent {
  /** Empty if there is none. */
  contentType: string;
  data: Uint8Array;
  /** What `data` is by its content type, if that is known already. */
  content?: EventContent;
}

export interface NewEntry extends NewEvent {
  entryId: string;
  metadata?: Metadata;
  /** Why the event can't be taken. */
  problem?: string;
}

export interface OutletOptions {
  appId: string;
  topic: string;
  /** The request's. */
  metadata: Record<string, string>;
  /** The data is stored as it is, without an envelope. */
  isRaw: boolean;
  errors: PubSubErrors;
}

const envelopeType = "application/cloudevents+json";

/** All methods reject with the documented ApiError. */
export class Outlet {
  readonly isRaw: boolean;
  readonly errors: PubSubErrors;
  readonly topic: string;
  readonly #named: NamedPubSub;
  readonly #appId: string;
  readonly #metadata: Record<string, string>;

  constructor(
    named: NamedPubSub,
    { appId, topic, metadata, isRaw, errors }: OutletOptions,
  ) {
    this.isRaw = isRaw;
    this.errors = errors;
    this.topic = topic;
    this.#named = named;
    this.#appId = appId;
    this.#metadata = metadata;
  }

  async publish(
    event: NewEvent,
    trace: Trace | undefined,
    call: Call,
  ): Promise<void> {
    const message = this.#message(event, this.#metadata, trace);
    const topic = this.#brokersTopic();
    const metadata = this.#withTrace(this.#metadata, trace);
    const { pubsub, explain } = this.#named;
    try {
      await pubsub.publish({ ...message, topic, metadata }, call);
    } catch (error) {
      throw this.errors.publish(this.topic, explain(error), error);
    }
  }

  async publishBulk(
    given: readonly NewEntry[],
    trace: Trace | undefined,
    call: Call,
  ): Promise<void> {
    const entries = this.#entries(given, trace);
    const topic = this.#brokersTopic();
    if (entries.length === 0) return;
    const { pubsub, explain } = this.#named;
    const publishing = pubsub.publishBulk
      ? pubsub.publishBulk(topic, entries, this.#metadata, call)
      : publishEach(pubsub, topic, entries, call);
    const errors = await publishing.catch((error: Error) =>
      entries.map(() => error),
    );
    const failed = entries.flatMap(({ entryId }, i) =>
      errors[i] ? [{ entryId, error: explain(errors[i]) }] : [],
    );
    if (failed.length > 0)
      throw this.errors.publishBulk(
        this.topic,
        failed[0]!.error,
        errors.find((one) => one !== undefined),
        failed,
      );
  }

  /** Each entry has the request's metadata too, but only if it has some of its own, as in the original. */
  #entries(given: readonly NewEntry[], trace: Trace | undefined): BulkEntry[] {
    const ids = new Set<string>();
    return given.map((entry) => {
      const { entryId, problem } = entry;
      if (problem !== undefined)
        throw this.errors.marshalEnvelope(this.topic, problem);
      if (entryId === "" || ids.has(entryId))
        throw this.errors.marshalEvents(
          this.topic,
          "entryId is duplicated or not present for entry",
        );
      ids.add(entryId);
      const metadata = entry.metadata
        ? joined(this.#metadata, entry.metadata)
        : Object.create(null);
      return {
        entryId,
        ...this.#message(entry, metadata, trace),
        metadata: this.#withTrace(metadata, trace),
      };
    });
  }

  /** What goes to the broker. */
  #message(
    { contentType, data, content }: NewEvent,
    metadata: Metadata,
    trace: Trace | undefined,
  ): { data: Uint8Array; contentType: string } {
    if (this.isRaw) return { data, contentType };
    const found = content ?? contentOf(contentType, data);
    if ("problem" in found) throw this.errors.cloudEvent(found.problem);
    const facts: EventFacts = {
      appId: this.#appId,
      pubsub: this.#named.name,
      topic: this.topic,
      trace,
      expiresMs: this.#expiresMs(metadata),
    };
    return {
      contentType: envelopeType,
      data:
        "attributes" in found
          ? completed(found.attributes, facts)
          : newEnvelope(found, contentType, overridesIn(metadata), facts),
    };
  }

  #expiresMs(metadata: Metadata): number | undefined {
    if (this.#named.pubsub.features.includes("MESSAGE_TTL")) return undefined;
    const ttl = ttlMs(metadata);
    return ttl === undefined ? undefined : Date.now() + ttl;
  }

  /** Of a message without an envelope the metadata tell the trace. */
  #withTrace(
    metadata: Record<string, string>,
    trace: Trace | undefined,
  ): Record<string, string> {
    if (!this.isRaw || !trace) return metadata;
    const { traceparent, tracestate } = trace;
    return joined(
      { traceid: traceparent, ...(tracestate ? { tracestate } : {}) },
      metadata,
    );
  }

  /** Throws if the app may not publish to it. */
  #brokersTopic(): string {
    const { scopes, namespacePrefix } = this.#named;
    if (!scopes.mayPublish(this.topic)) throw this.errors.forbidden(this.topic);
    return namespacePrefix + this.topic;
  }
}

/** Without a prototype, so that a key may have any name. Those of `own` win. */
const joined = (request: Metadata, own: Metadata): Record<string, string> =>
  Object.assign(Object.create(null), request, own) as Record<string, string>;
