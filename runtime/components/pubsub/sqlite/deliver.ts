/** The way of a partition's messages to a subscription, until all of them are taken. */
import { DeliveryInterrupted } from "../../../contracts/delivery.ts";
import type { HandleBulk } from "../../../contracts/pubsub.ts";
import type { Logger } from "../../../shared/log.ts";
import type { Reading } from "../../clients/sqlite/broker/reader.ts";
import { deliverUntilTaken, type RetryPolicy } from "../../retry.ts";
import { toDelivery } from "./message.ts";

/** Of a bulk only what was refused comes again; later messages of its partition wait. */
export const deliverTo =
  (handle: HandleBulk, policy: RetryPolicy, log: Logger): Reading["handle"] =>
  (records, { topic, number, signal, hold }) => {
    let left = records.map((record) => toDelivery(record, topic, number));
    const [first, last] = [records[0]!.offset, records.at(-1)!.offset];
    const place = `${left[0]!.message.topic}/${number}`;
    const what =
      first === last
        ? `message ${first} of ${place}`
        : `one of the messages ${first} to ${last} of ${place}`;
    return deliverUntilTaken(
      what,
      undefined,
      {
        async deliver() {
          await hold();
          const alive = left.filter(
            ({ expiresAtMs }) => Date.now() < expiresAtMs,
          );
          if (alive.length < left.length)
            log.debug(
              `${left.length - alive.length} of ${place} not delivered: their ttlInSeconds is over`,
            );
          left = alive;
          if (left.length === 0) return;
          const errors = await handle(left.map(({ message }) => message));
          left = left.filter((_, n) => errors[n]);
          const error =
            errors.find((one) => one instanceof DeliveryInterrupted) ??
            errors.find(Boolean);
          if (error) throw error;
        },
        policy,
        deadLetter: undefined,
        log,
        advice:
          "name a deadLetterTopic in the subscription, or set backOffMaxRetries to skip it",
      },
      signal,
    );
  };
