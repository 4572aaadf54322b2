/** What becomes of a message that the app takes or refuses. */
import { pause } from "../../../shared/backoff.ts";
import type { Logger } from "../../../shared/log.ts";
import { DeliveryInterrupted } from "../../../contracts/delivery.ts";
import type { Handle, TopicMessage } from "../../../contracts/pubsub.ts";
import { messageOf } from "../../../shared/message-of.ts";
import type { Verdict } from "../../clients/rabbitmq/consumer.ts";
import { deliverUntilTaken, retryPolicy } from "../../retry.ts";
import type { RabbitMetadata } from "./metadata.ts";

/** A refused message that goes back to its queue would come again at once, without end. */
const requeueMs = 100;

export type Deliver = (
  what: string,
  message: TopicMessage,
  signal: AbortSignal,
) => Promise<Verdict>;

export function deliverTo(
  handle: Handle,
  { autoAck, requeueInFailure, enableDeadLetter, concurrency }: RabbitMetadata,
  log: Logger,
): Deliver {
  const keeps = requeueInFailure === undefined && !enableDeadLetter && !autoAck;
  const policy = retryPolicy({});
  if (keeps)
    return async (what, message, signal) => {
      const isTaken = await deliverUntilTaken(
        what,
        message,
        {
          deliver: handle,
          policy,
          deadLetter: undefined,
          log,
          holdsUp: concurrency === "single" ? "its queue" : "",
          advice: "name a deadLetterTopic in the subscription",
        },
        signal,
      );
      return isTaken ? "ack" : undefined;
    };
  return async (what, message, signal) => {
    try {
      await handle(message);
      return "ack";
    } catch (error) {
      if (error instanceof DeliveryInterrupted) return undefined;
      const reason = messageOf(error);
      if (!autoAck && requeueInFailure) {
        log.warn(`${what} not taken and put back into its queue: ${reason}`);
        return (await pause(requeueMs, signal)) ? "requeue" : undefined;
      }
      const becomes =
        enableDeadLetter && !autoAck
          ? "moved to the dead-letter queue"
          : `lost, because ${autoAck ? "autoAck is true" : "requeueInFailure is false"}`;
      log.error(`${what} not taken and ${becomes}: ${reason}`);
      return "drop";
    }
  };
}
