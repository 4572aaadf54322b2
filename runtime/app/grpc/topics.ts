/** Topics over gRPC: the app lists its subscriptions, and gets each event by OnTopicEvent, bulks by OnBulkTopicEvent (docs/protocol/pubsub.md). */
import { outcomeOf, outcomesOf } from "../../contracts/event-answer.ts";
import { eventFields } from "../../contracts/event-fields.ts";
import type {
  BulkEvent,
  BulkEvents,
  EventOutcome,
  Subscription,
  TopicChannel,
} from "../../contracts/subscription.ts";
import { GrpcError } from "../../net/grpc/status.ts";
import {
  TopicEventResponse_TopicEventResponseStatus,
  type TopicEventBulkRequest,
  type TopicEventBulkRequestEntry,
  type TopicEventBulkResponse,
  type TopicSubscription,
} from "../../proto/gen/dapr/proto/runtime/v1/appcallback.ts";
import type { Logger } from "../../shared/log.ts";
import { askMs } from "../time-limit.ts";
import { isUnimplemented, refused, type Ask } from "./delivery.ts";
import type { Metadata } from "../../net/grpc/metadata.ts";
import { toMetadata } from "../../net/grpc/header-metadata.ts";
import {
  listTopicSubscriptions,
  onBulkTopicEvent,
  onBulkTopicEventAlpha1,
  onTopicEvent,
} from "./methods.ts";

export function createTopics(ask: Ask, log: Logger): TopicChannel {
  /** Asked first: whether the app serves the bulk method by its newer name. */
  let bulkMethod = onBulkTopicEvent;

  const onDropped = (name: string) =>
    log.debug(
      `metadata ${JSON.stringify(name)} of a message can't be sent over gRPC and is left out`,
    );
  const metadataOf = (pubsub: string, metadata: Record<string, string>) =>
    toMetadata(
      [
        ...Object.entries(metadata).filter(
          ([name]) => !notPassedOn.has(name.toLowerCase()),
        ),
        [pubsubKey, pubsub],
      ].flat(),
      { onDropped },
    );

  async function askBulk(
    request: TopicEventBulkRequest,
    metadata: Metadata,
    signal: AbortSignal | undefined,
  ): Promise<TopicEventBulkResponse> {
    // Another bulk may find out meanwhile.
    const first = bulkMethod;
    try {
      return await ask(first, request, { metadata, signal });
    } catch (error) {
      if (!isUnimplemented(error)) throw error;
      const other =
        first === onBulkTopicEvent ? onBulkTopicEventAlpha1 : onBulkTopicEvent;
      const answer = await ask(other, request, { metadata, signal });
      bulkMethod = other;
      return answer;
    }
  }

  return {
    async subscriptions() {
      try {
        const { subscriptions } = await ask(
          listTopicSubscriptions,
          {},
          { timeoutMs: askMs },
        );
        return subscriptions.flatMap((one) => readSubscription(one, log));
      } catch (error) {
        if (!isUnimplemented(error))
          throw told(listTopicSubscriptions.name, error);
        log.info(
          "pubsub subscriptions: gRPC app does not implement ListTopicSubscriptions",
        );
        return [];
      }
    },

    async deliverEvent(event, _onAnswer, limit) {
      const id = String(event.parsed()["id"]);
      try {
        const { pubsub, topic, path } = event;
        const { status } = await ask(
          onTopicEvent,
          {
            ...eventFields(event.parsed()),
            topic,
            path,
            pubsubName: pubsub,
          },
          { metadata: metadataOf(pubsub, event.metadata), signal: limit },
        );
        return outcomeOf(nameOf(status), id, log);
      } catch (error) {
        if (!isUnimplemented(error))
          throw told(`${onTopicEvent.name} for pub/sub event ${id}`, error);
        log.warn(
          `non-retriable error returned from app while processing pub/sub event ${id}: it does not implement ${onTopicEvent.name}; the event is lost to it`,
        );
        return "ignore";
      }
    },

    async deliverEvents(events, _onAnswer, limit) {
      const { pubsub } = events;
      const read = events.entries.map(toBulkEntry);
      const entries = read.flatMap((one) =>
        one instanceof Error ? [] : [one],
      );
      /** One that can't be read holds up none of the others. */
      const withUnread = (outcomes: (EventOutcome | Error)[]) =>
        read.map((one) => (one instanceof Error ? one : outcomes.shift()!));
      if (entries.length === 0 && read.length > 0) return withUnread([]);
      try {
        const { statuses } = await askBulk(
          toBulkRequest(events, entries),
          metadataOf(pubsub, events.metadata),
          limit,
        );
        return withUnread(
          outcomesOf(
            entries,
            new Map(statuses.map((one) => [one.entryId, nameOf(one.status)])),
            log,
          ),
        );
      } catch (error) {
        if (!isUnimplemented(error)) throw told(bulkMethod.name, error);
        log.warn(
          `non-retriable error returned from app while processing bulk pub/sub event: it implements neither ${onBulkTopicEvent.name} nor ${onBulkTopicEventAlpha1.name}; the events are lost to it`,
        );
        return withUnread(entries.map((): EventOutcome => "ignore"));
      }
    },
  };
}

const pubsubKey = "pubsubname";
/** The last one may be the publisher's, or of the topic that a dead letter comes from. */
const notPassedOn = new Set(["content-type", "content-length", pubsubKey]);

const told = (method: string, error: unknown) =>
  error instanceof GrpcError ? refused(method, error) : error;

/** The name of a status; its number if it has none. */
const nameOf = (status: number): string =>
  Object.entries(TopicEventResponse_TopicEventResponseStatus).find(
    ([, number]) => number === status,
  )?.[0] ?? String(status);

function readSubscription(
  given: TopicSubscription,
  log: Logger,
): Subscription[] {
  const { pubsubName, topic, metadata, routes, deadLetterTopic } = given;
  if (pubsubName === "" || topic === "") {
    log.error(
      `error getting topics from app: ListTopicSubscriptions has a subscription without ${pubsubName === "" ? "pubsub_name" : "topic"} (pubsub_name "${pubsubName}", topic "${topic}"); it is left out`,
    );
    return [];
  }
  const rules = (routes?.rules ?? []).map(({ match, path }) => ({
    match: match.trim(),
    path,
  }));
  const fallback = routes?.default ?? "";
  // Without a route the app gets all events, and no path.
  if (fallback !== "" || rules.length === 0)
    rules.push({ match: "", path: fallback });
  const { enabled, maxMessagesCount, maxAwaitDurationMs } =
    given.bulkSubscribe ?? {};
  return [
    {
      pubsub: pubsubName,
      topic,
      rules,
      metadata: Object.fromEntries(metadata),
      origin: "PROGRAMMATIC",
      ...(deadLetterTopic ? { deadLetterTopic } : {}),
      ...(enabled
        ? {
            bulk: {
              maxMessages: positive(maxMessagesCount) ?? 100,
              maxAwaitMs: positive(maxAwaitDurationMs) ?? 1000,
            },
          }
        : {}),
    },
  ];
}

const positive = (value: number | undefined) =>
  value !== undefined && value > 0 ? value : undefined;

const toBulkRequest = (
  { id, pubsub, topic, path, metadata }: BulkEvents,
  entries: TopicEventBulkRequestEntry[],
): TopicEventBulkRequest => ({
  id,
  topic,
  path,
  pubsubName: pubsub,
  type: "com.dapr.event.sent.bulk",
  metadata: new Map(Object.entries({ ...metadata, pubsubName: pubsub })),
  entries,
});

/** An error where it can't be read. */
function toBulkEntry({
  entryId,
  event,
  contentType,
  metadata,
}: BulkEvent): TopicEventBulkRequestEntry | Error {
  try {
    return {
      entryId,
      contentType,
      metadata: new Map(Object.entries(metadata)),
      event:
        "raw" in event
          ? { $case: "bytes", value: event.raw }
          : { $case: "cloudEvent", value: eventFields(event.parsed()) },
    };
  } catch (error) {
    return error as Error;
  }
}
