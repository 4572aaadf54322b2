/** Subscriptions that can be acted upon: their rules are compiled. */
import type { Subscription } from "../../contracts/subscription.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { where } from "../../shared/position.ts";
import { isRawPayload } from "./overrides.ts";
import { compileRules, WrongRule, type FindPath } from "./rules.ts";
import { keyOf } from "./topics.ts";

export interface Ready {
  subscription: Subscription;
  findPath: FindPath;
}

/** One with a wrong rule, or a wrong `rawPayload`, is told; what was there `before` stays in its place. */
export async function makeReady(
  list: readonly Subscription[],
  before: readonly Ready[],
  log: Logger,
): Promise<Ready[]> {
  const ready: Ready[] = [];
  for (const subscription of list)
    try {
      isRawPayload(subscription.metadata); // throws on what is neither
      const findPath = await compileRules(subscription.rules);
      ready.push({ subscription, findPath });
    } catch (error) {
      const { pubsub, topic } = subscription;
      const at = (error instanceof WrongRule && error.at) || subscription.at;
      const key = keyOf(subscription);
      const old = before.find((one) => keyOf(one.subscription) === key);
      const place = where(at);
      log.error(
        `the subscription to topic ${topic} of pubsub ${pubsub}: ${messageOf(error)}${place ? ` (${place})` : ""}; ${old ? "as it was before the change it goes on" : "it is left out"}`,
      );
      if (old) ready.push(old);
    }
  return ready;
}
