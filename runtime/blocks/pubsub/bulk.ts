/** Several messages of a topic on their way to the app: one request for each path (docs/protocol/pubsub.md). */
import { randomUUID } from "node:crypto";
import { DeliveryInterrupted } from "../../contracts/delivery.ts";
import type { TopicMessage } from "../../contracts/pubsub.ts";
import type {
  BulkEvent,
  BulkEvents,
  EventOutcome,
} from "../../contracts/subscription.ts";
import { isAway } from "../reading/hold.ts";
import type { Delivery, Routed } from "./deliver.ts";
import type { NamedPubSub } from "./pubsub.ts";
import { isRawPayload } from "./overrides.ts";
import type { Taker } from "./takers.ts";
import type { Watch } from "../../contracts/watch.ts";
import { resultOf, watchBulk } from "./watched-events.ts";

/** Of a request with several events: `ms` until its answer. */
export type ObserveBulk = (
  pubsub: string,
  topic: string,
  counts: { success: number; retry: number; drop: number },
  ms: number,
) => void;

export function createBulkDelivery(
  delivery: Delivery,
  onBulk: ObserveBulk,
  watch: Watch | undefined,
) {
  /** What is not in the result is done with. */
  async function deliverTo(
    taker: Taker,
    named: NamedPubSub,
    messages: readonly TopicMessage[],
  ): Promise<Map<TopicMessage, Error>> {
    const outcomes = new Map<TopicMessage, EventOutcome | Error>();
    const byPath = new Map<string, Routed[]>();
    for (const message of messages)
      try {
        const routed = delivery.route(named, taker, message);
        if (!routed) outcomes.set(message, "drop");
        else {
          const key = JSON.stringify([routed.topic, routed.path]);
          byPath.set(key, [...(byPath.get(key) ?? []), routed]);
        }
      } catch (error) {
        outcomes.set(message, error as Error);
      }
    await Promise.all(
      [...byPath.values()].map((group) =>
        deliverGroup(taker, named, group, outcomes),
      ),
    );
    const failed = new Map<TopicMessage, Error>();
    for (const message of messages)
      await delivery
        .settle(named, taker, message, outcomes.get(message)!)
        .catch((error: Error) => failed.set(message, error));
    return failed;
  }

  /** Each try has only what the tries before it did not settle. */
  async function deliverGroup(
    taker: Taker,
    named: NamedPubSub,
    group: Routed[],
    outcomes: Map<TopicMessage, EventOutcome | Error>,
  ): Promise<void> {
    let left = group;
    try {
      await delivery.tried(named, taker, async (limit) => {
        const results = await tryOnce(taker, named, left, limit);
        for (const [i, { message }] of left.entries())
          outcomes.set(message, results[i]!);
        const failure = results.find((one) => one instanceof Error);
        left = left.filter((_, i) => results[i] instanceof Error);
        if (failure) throw failure;
      });
    } catch (error) {
      // Of those that were answered it is known.
      for (const { message } of left)
        if (!outcomes.has(message)) outcomes.set(message, error as Error);
      if (error instanceof DeliveryInterrupted)
        for (const { message } of left) outcomes.set(message, error);
    }
  }

  async function tryOnce(
    { options }: Taker,
    { name }: NamedPubSub,
    group: readonly Routed[],
    limit: AbortSignal | undefined,
  ): Promise<(EventOutcome | Error)[]> {
    const { topic } = group[0]!;
    const started = performance.now();
    const bulk = toBulk(
      name,
      group,
      isRawPayload(options.subscription.metadata),
    );
    const seen = watch?.isOn ? watchBulk(watch, bulk) : undefined;
    const tell = (results: readonly (EventOutcome | Error)[]) => {
      const counts = { success: 0, retry: 0, drop: 0 };
      for (const one of results)
        counts[
          one instanceof Error ? "retry" : one === "success" ? one : "drop"
        ]++;
      onBulk(name, topic, counts, performance.now() - started);
    };
    try {
      const results = await options.deliverBulk!(bulk, limit, seen?.onAnswer);
      tell(results);
      seen?.end(resultOf(...results));
      return results;
    } catch (error) {
      if (!(error instanceof DeliveryInterrupted))
        seen?.end(resultOf(error as Error));
      if (!isAway(error) && !(error instanceof DeliveryInterrupted))
        tell(group.map(() => error as Error));
      throw error;
    }
  }

  return deliverTo;
}

const toBulk = (
  pubsub: string,
  group: readonly Routed[],
  areRaw: boolean,
): BulkEvents => ({
  id: randomUUID(),
  pubsub,
  topic: group[0]!.topic,
  path: group[0]!.path,
  metadata: {},
  entries: group.map(({ message, event }): BulkEvent => ({
    entryId: randomUUID(),
    contentType:
      message.contentType ||
      (areRaw ? "application/octet-stream" : "application/cloudevents+json"),
    metadata: message.metadata,
    event: areRaw
      ? { raw: message.data }
      : { envelope: event.envelope, parsed: () => event.cloudEvent },
  })),
});
