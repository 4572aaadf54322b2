/** The app's own subscriptions: it is asked until it answers, as it may just have started. */
import type {
  TopicChannel,
  Subscription,
} from "../../contracts/subscription.ts";
import { doublingBackoff } from "../../shared/backoff.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";

/** Undefined if `signal` aborted. */
export async function askApp(
  app: Pick<TopicChannel, "subscriptions">,
  log: Logger,
  signal: AbortSignal,
): Promise<Subscription[] | undefined> {
  const backoff = doublingBackoff(100, 5000);
  for (;;) {
    try {
      const found = await app.subscriptions();
      return signal.aborted ? undefined : found;
    } catch (error) {
      if (signal.aborted) return undefined;
      log.warn(
        `could not ask the app for its subscriptions: ${messageOf(error)}; asking again until it answers`,
      );
      if (!(await backoff.wait(signal))) return undefined;
    }
  }
}
