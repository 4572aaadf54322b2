/** What is told of events on their way to who takes them, while somebody watches. */
import { AppUnreachable } from "../../contracts/app-channel.ts";
import type {
  BulkEvents,
  EventOutcome,
  TopicEvent,
} from "../../contracts/subscription.ts";
import type { Watch } from "../../contracts/watch.ts";
import { WatchedDelivery } from "../../contracts/watched-delivery.ts";
import { PassingBody, previewOf } from "../../shared/body-preview.ts";
import type { DeliveryEvent } from "../../shared/watch-event.ts";

export function watchEvent(
  watch: Watch,
  { pubsub: source, topic, path, envelope }: TopicEvent,
): WatchedDelivery {
  const request = previewOf(envelope, "application/cloudevents+json");
  return new WatchedDelivery(
    watch,
    { from: "pubsub", source, topic, path: rooted(path) },
    () => request,
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
  const request = events.preview("application/cloudevents+json");
  return new WatchedDelivery(
    watch,
    { from: "pubsub", source, topic, path: rooted(path) },
    () => request,
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
