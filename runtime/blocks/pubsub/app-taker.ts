/** The app as one who takes the events of a topic. While nothing listens on its port they are held. */
import type { AppChannel } from "../../contracts/app-channel.ts";
import { DeliveryInterrupted } from "../../contracts/delivery.ts";
import type { Logger } from "../../shared/log.ts";
import { holdWhileAway } from "../reading/hold.ts";
import type { Ready } from "./ready.ts";
import type { TakerOptions } from "./takers.ts";

export function appTaker(
  app: AppChannel,
  { subscription, findPath }: Ready,
  log: Logger,
): TakerOptions {
  const { pubsub, topic, bulk } = subscription;
  const what = `the subscription to topic ${topic} of pubsub ${pubsub}`;
  return {
    subscription,
    findPath,
    deliver: (event, limit, onAnswer) =>
      app.deliverEvent(event, onAnswer, limit),
    ...(bulk && {
      deliverBulk: (events, limit, onAnswer) =>
        app.deliverEvents(events, onAnswer, limit),
    }),
    hold: (deliver, signal) =>
      holdWhileAway(deliver, {
        app,
        signal,
        interrupted: () => new DeliveryInterrupted(`${what} stops`),
        onHeld: () =>
          log.warn(
            `the app does not listen: ${what} holds its messages until it does`,
          ),
      }),
  };
}
