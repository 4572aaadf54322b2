/** What is told of events on their way to who takes them, while somebody watches. */
import { AppUnreachable } from "../../contracts/app-channel.ts";
import type {
  BulkEvents,
  EventOutcome,
  TopicEvent,
} from "../../contracts/subscription.ts";
import type { Watch } from "../../contracts/watch.ts";
import {
  laterPreview,
  WatchedDelivery,
} from "../../contracts/watched-delivery.ts";
import { PassingBody } from "../../shared/body-preview.ts";
import type { DeliveryEvent } from "../../shared/watch-event.ts";

const type = "application/cloudevents+json";

export function watchEvent(
  watch: Watch,
  { pubsub: source, topic, path, envelope }: TopicEvent,
): WatchedDelivery {
  return new WatchedDelivery(
    watch,
    { from: "pubsub", source, topic, path: rooted(path) },
    laterPreview(envelope, type),
  );
}

/** The events of a bulk are shown one after the other. */
export function watchBulk(
  watch: Watch,
  { pubsub: source, topic, path, entries }: BulkEvents,
): WatchedDelivery {
  const events = new PassingBody();
  for (const [i, { event }] of entries.entries()) {
    if (i > 0) events.add(newLine);
    events.add("raw" in event ? event.raw : event.envelope);
  }
  return new WatchedDelivery(
    watch,
    { from: "pubsub", source, topic, path: rooted(path) },
    () => events.preview(type),
  );
}

const newLine = Buffer.from("\n");

const rooted = (path: string) => (path.startsWith("/") ? path : `/${path}`);

/** Of several it is the worst. */
export function resultOf(
  ...outcomes: (EventOutcome | Error)[]
): DeliveryEvent["outcome"] {
  if (outcomes.some((one) => one instanceof AppUnreachable)) return "error";
  if (outcomes.some((one) => one instanceof Error)) return "retry";
  return outcomes.every((one) => one === "success") ? "success" : "drop";
}
