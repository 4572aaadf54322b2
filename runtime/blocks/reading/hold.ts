/** While nothing listens on the app's port a message is held and does not fail: that the app restarts is not the message's fault. */
import {
  AppUnreachable,
  type AppChannel,
} from "../../contracts/app-channel.ts";
import { DeliveryError } from "../../contracts/delivery.ts";
import type { Run } from "../../contracts/run.ts";

export interface HoldOptions {
  app: Pick<AppChannel, "whenListening">;
  /** Aborts when the reading stops: a message that the app has not answered is let go. */
  signal: AbortSignal;
  /** What a message that is let go rejects with. */
  interrupted(): Error;
  /** Called each time that nothing listens. */
  onHeld(): void;
  /** False for a message that is worthless later: it fails at once. */
  mayHold?: boolean;
}

/** Delivers again and again until something listens. */
export async function holdWhileAway<T>(
  deliver: () => Promise<T>,
  { app, signal, interrupted, onHeld, mayHold = true }: HoldOptions,
): Promise<T> {
  for (;;) {
    try {
      return await deliver();
    } catch (error) {
      if (signal.aborted && !hasAnswered(error)) throw interrupted();
      if (!mayHold || !isAway(error)) throw error;
      onHeld();
      await app.whenListening(signal).catch(() => {
        throw interrupted();
      });
    }
  }
}

/** Delivers under policies. That nothing listens is no failure for them: no try is used up, and no circuit breaker opens. */
export async function runUnlessAway<T>(
  run: Run,
  deliver: (limit?: AbortSignal) => Promise<T>,
  until: AbortSignal,
): Promise<T> {
  const end = await run(async (limit) => {
    try {
      return { answer: await deliver(limit) };
    } catch (error) {
      if (isAway(error)) return { away: error };
      throw error;
    }
  }, until);
  if ("away" in end) throw end.away;
  return end.answer;
}

export const isAway = (error: unknown): boolean =>
  error instanceof AppUnreachable && error.isAway;

/** The app saw the message and refused it. */
const hasAnswered = (error: unknown) =>
  error instanceof DeliveryError && error.status !== undefined;
