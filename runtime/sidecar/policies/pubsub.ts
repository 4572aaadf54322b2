/** A pub/sub component with something around each publish. What it reads is the subscriptions' to count. */
import { publishEach } from "../../blocks/pubsub/publish-each.ts";
import type { PubSub } from "../../contracts/pubsub.ts";

/** Of a publish: `ms` until the broker has answered. */
export type ObservePublish = (
  topic: string,
  isBulk: boolean,
  isSuccess: boolean,
  ms: number,
) => void;

export function aroundPubSub(pubsub: PubSub, observe: ObservePublish): PubSub {
  const timed = <T>(
    topic: string,
    isBulk: boolean,
    work: Promise<T>,
    isSuccess: (answer: T) => boolean,
  ): Promise<T> => {
    const started = performance.now();
    return work.then(
      (answer) => {
        const ms = performance.now() - started;
        observe(topic, isBulk, isSuccess(answer), ms);
        return answer;
      },
      (error: unknown) => {
        observe(topic, isBulk, false, performance.now() - started);
        throw error;
      },
    );
  };
  const wrapped: PubSub = {
    features: pubsub.features,
    publish: (request, call) =>
      timed(request.topic, false, pubsub.publish(request, call), () => true),
    publishBulk: (topic, entries, metadata, call) =>
      timed(
        topic,
        true,
        // Else each of its messages would count as one of its own.
        pubsub.publishBulk
          ? pubsub.publishBulk(topic, entries, metadata, call)
          : publishEach(pubsub, topic, entries, call),
        (errors) => errors.every((error) => error === undefined),
      ),
    subscribe: (request, handle) => pubsub.subscribe(request, handle),
    close: () => pubsub.close(),
  };
  if (pubsub.subscribeBulk)
    wrapped.subscribeBulk = (request, limits, handle) =>
      pubsub.subscribeBulk!(request, limits, handle);
  return wrapped;
}
