/** Bulks of what a component delivers one by one. */
import type {
  BulkLimits,
  Handle,
  HandleBulk,
  TopicMessage,
} from "../../contracts/pubsub.ts";
import { startTimer } from "../../shared/timers.ts";

/** What comes within the limits is handled at once. */
export function gather(
  { maxMessages, maxAwaitMs }: BulkLimits,
  handle: HandleBulk,
): Handle {
  let waiting: { message: TopicMessage; done: PromiseWithResolvers<void> }[] =
    [];
  let timer: NodeJS.Timeout | undefined;

  async function flush() {
    clearTimeout(timer);
    timer = undefined;
    const bulk = waiting;
    waiting = [];
    try {
      const errors = await handle(bulk.map(({ message }) => message));
      for (const [i, { done }] of bulk.entries())
        if (errors[i]) done.reject(errors[i]);
        else done.resolve();
    } catch (error) {
      for (const { done } of bulk) done.reject(error);
    }
  }

  return (message) => {
    const done = Promise.withResolvers<void>();
    waiting.push({ message, done });
    if (waiting.length >= maxMessages) void flush();
    else timer ??= startTimer(() => void flush(), maxAwaitMs);
    return done.promise;
  };
}
