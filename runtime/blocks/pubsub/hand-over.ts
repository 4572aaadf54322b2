/** Messages of a topic go to those who take them; what one hands back goes to another one. */
import { DeliveryInterrupted } from "../../contracts/delivery.ts";
import type { HandleBulk, TopicMessage } from "../../contracts/pubsub.ts";
import { createBulkDelivery, type ObserveBulk } from "./bulk.ts";
import { createDelivery, type DeliveryOptions } from "./deliver.ts";
import type { NamedPubSub } from "./pubsub.ts";
import type { Taker, Takers } from "./takers.ts";

export interface HandOverOptions extends DeliveryOptions {
  onBulk: ObserveBulk;
}

type Failures = Map<TopicMessage, Error>;

export function createHandOver(options: HandOverOptions) {
  const delivery = createDelivery(options);
  const deliverBulk = createBulkDelivery(
    delivery,
    options.onBulk,
    options.watch,
  );

  async function oneByOne(
    taker: Taker,
    named: NamedPubSub,
    messages: readonly TopicMessage[],
  ): Promise<Failures> {
    const failures: Failures = new Map();
    for (const message of messages)
      await delivery
        .deliver(taker, named, message)
        .catch((error: Error) => failures.set(message, error));
    return failures;
  }

  return (takers: Takers, named: NamedPubSub): HandleBulk =>
    async (messages) => {
      const failures: Failures = new Map();
      /** Each is asked once: it may know before the others that it leaves. */
      const asked = new Set<Taker>();
      let left: readonly TopicMessage[] = messages;
      while (left.length > 0) {
        const taker = takers.next(asked);
        if (!taker) {
          const nobody = new DeliveryInterrupted("nobody takes it any more");
          for (const message of left) failures.set(message, nobody);
          break;
        }
        asked.add(taker);
        const deliver = taker.options.deliverBulk ? deliverBulk : oneByOne;
        const found = await taker.take(() => deliver(taker, named, left));
        const back = ([, error]: [TopicMessage, Error]) =>
          error instanceof DeliveryInterrupted;
        left = [...found].filter(back).map(([message]) => message);
        for (const [message, error] of found)
          if (!left.includes(message)) failures.set(message, error);
      }
      return messages.map((message) => failures.get(message));
    };
}
