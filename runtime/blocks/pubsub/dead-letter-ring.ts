/** Dead-letter topics that lead back to where a message came from: without a pause it would go round as fast as it can. */
import type { Subscription } from "../../contracts/subscription.ts";

/** The topics from the subscription's own one back to it; undefined if its dead letters do not come back. */
export function ringOf(
  { pubsub, topic, deadLetterTopic }: Subscription,
  all: readonly Subscription[],
): string[] | undefined {
  const way = [topic];
  for (let next = deadLetterTopic; next; next = after(next)) {
    if (next === topic) return [...way, topic];
    if (way.includes(next)) return undefined; // another one's ring
    way.push(next);
  }
  return undefined;

  function after(reached: string) {
    return all.find((one) => one.pubsub === pubsub && one.topic === reached)
      ?.deadLetterTopic;
  }
}
