/** Delivers several records of a partition at once. What the app did not take comes again, without what it took. */
import { DeliveryInterrupted } from "../../../contracts/delivery.ts";
import type {
  BulkLimits,
  HandleBulk,
  TopicMessage,
} from "../../../contracts/pubsub.ts";
import type { Logger } from "../../../shared/log.ts";
import type { TopicHandler } from "../../clients/kafka/consumer/partition-queue.ts";
import { queueEnd } from "../../clients/kafka/delivery.ts";
import type { KafkaRecord } from "../../clients/kafka/protocol/record-batch.ts";
import {
  deliverUntilTaken,
  subscriptionWords,
  type RetryPolicy,
} from "../../retry.ts";

export interface BulkDelivery {
  /** The component's. */
  name: string;
  topic: string;
  policy: RetryPolicy;
  log: Logger;
  limits: BulkLimits;
  deliver: HandleBulk;
  toMessage(partition: number, record: KafkaRecord): TopicMessage;
}

export function deliverBulks(options: BulkDelivery): TopicHandler {
  const { name, topic, policy, log } = options;
  return {
    bulk: options.limits,
    async handle(partition, records, signal, done) {
      let open = records.map((record, at) => ({
        at,
        message: options.toMessage(partition, record),
      }));
      const taken = await deliverUntilTaken(
        `kafka: component "${name}": ${records.length} records of ${topic}/${partition} from offset ${records[0]!.offset}`,
        undefined,
        {
          async deliver() {
            const errors = await options.deliver(
              open.map(({ message }) => message),
            );
            const failures = errors.filter((error) => error !== undefined);
            open = open.filter((_, at) => errors[at] !== undefined);
            if (failures.length === 0) return;
            done(open[0]!.at);
            throw (
              failures.find((error) => error instanceof DeliveryInterrupted) ??
              failures[0]!
            );
          },
          policy,
          deadLetter: undefined,
          log,
          ...subscriptionWords,
        },
        signal,
      );
      if (!taken) await queueEnd(signal);
    },
  };
}
