/** The app's own subscriptions: it is asked until it answers, as it may just have started. */
import type {
  TopicChannel,
  Subscription,
} from "../../contracts/subscription.ts";
import { doublingBackoff } from "../../shared/backoff.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { startTimer } from "../../shared/timers.ts";

/** An app that takes longer is told of: until then no topic is read for it. */
const lateMs = 5000;

/** Undefined if `signal` aborted. */
export async function askApp(
  app: Pick<TopicChannel, "subscriptions">,
  log: Logger,
  signal: AbortSignal,
): Promise<Subscription[] | undefined> {
  const backoff = doublingBackoff(100, 5000);
  for (;;) {
    try {
      const found = await ask(app, log);
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

async function ask(
  app: Pick<TopicChannel, "subscriptions">,
  log: Logger,
): Promise<Subscription[]> {
  const late = startTimer(
    () =>
      log.warn(
        `the app has not answered what it subscribes to for ${lateMs / 1000} s: no topic is read for it until it does`,
      ),
    lateMs,
  ).unref();
  try {
    return await app.subscriptions();
  } finally {
    clearTimeout(late);
  }
}
