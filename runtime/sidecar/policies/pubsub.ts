/** A pub/sub component with its count and its policies around each publish. What it reads is the subscriptions' to count. */
import { publishEach } from "../../blocks/pubsub/publish-each.ts";
import type { Call } from "../../contracts/call.ts";
import type { PubSub } from "../../contracts/pubsub.ts";
import { onlyFailed, underPolicy } from "./around.ts";
import type { Policy } from "./runner.ts";

/** Of a publish: `ms` until the broker has answered. */
export type ObservePublish = (
  topic: string,
  isBulk: boolean,
  isSuccess: boolean,
  ms: number,
) => void;

/** `policyOf` is asked each time. */
export function aroundPubSub(
  pubsub: PubSub,
  observe: ObservePublish | undefined,
  policyOf: () => Policy | undefined,
): PubSub {
  const around = <T>(
    topic: string,
    isBulk: boolean,
    call: Call | undefined,
    work: (call: Call | undefined) => Promise<T>,
    isSuccess: (answer: T) => boolean,
  ): Promise<T> => {
    const started = performance.now();
    const tell = (isStored: boolean) =>
      observe?.(topic, isBulk, isStored, performance.now() - started);
    return underPolicy(policyOf(), call, work).then(
      (answer) => {
        tell(isSuccess(answer));
        return answer;
      },
      (error: unknown) => {
        tell(false);
        throw error;
      },
    );
  };
  const wrapped: PubSub = {
    features: pubsub.features,
    publish: (request, call) =>
      around(
        request.topic,
        false,
        call,
        (call) => pubsub.publish(request, call),
        () => true,
      ),
    publishBulk: (topic, entries, metadata, call) =>
      around(
        topic,
        true,
        call,
        // Else each of its messages would count as one of its own.
        onlyFailed(entries, (some, call) =>
          pubsub.publishBulk
            ? pubsub.publishBulk(topic, some, metadata, call)
            : publishEach(pubsub, topic, some, call),
        ),
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
