/**
 * What a queue-like binding does when the app does not take a message: the
 * original's `consumeRetryEnabled` and `backOff*` properties (spec components
 * §2), with redelivery in place as the default so that no message is lost.
 */
import {
  DeliveryInterrupted,
  type BindingMessage,
  type Deliver,
} from "../contract.ts";
import { bool, choice, durationMs, number, text } from "../metadata.ts";
import type { MetadataValues } from "../metadata.ts";

/** Part of the metadata table of every binding that retries; spread it into the table. */
export const retryMetadata = {
  consumeRetryEnabled: bool(
    "Deliver a message again until the app takes it. The original's default is false, which skips a failed message: here that takes an explicit `false`.",
  ),
  backOffPolicy: choice(["constant", "exponential"])(
    "How the pause between tries grows.",
  ),
  backOffDuration: durationMs("Pause of the constant policy (default 5s)."),
  backOffInitialInterval: durationMs("First pause of the exponential policy."),
  backOffMaxInterval: durationMs("Longest pause of the exponential policy."),
  backOffMultiplier: number("Growth of the pause from try to try."),
  backOffRandomizationFactor: number(
    "Share of the pause that is random, 0 to 1.",
  ),
  backOffMaxElapsedTime: durationMs(
    "Give up after this long; 0 or absent: never.",
  ),
  backOffMaxRetries: number(
    "Give up after this many further tries; -1 or absent: never.",
  ),
  deadLetterTopic: text(
    "Topic for a message that was given up; absent: it is logged and skipped.",
  ),
};

export interface RetryPolicy {
  /** False: log a failed message and go on. */
  enabled: boolean;
  maxRetries: number;
  maxElapsedMs: number;
  /** Pause before the nth further try (from 1); `random` is in [0, 1). */
  pauseMs(retry: number, random?: number): number;
}

export function retryPolicy(
  meta: MetadataValues<typeof retryMetadata>,
): RetryPolicy {
  const { backOffMaxRetries: retries, backOffMaxElapsedTime: elapsed } = meta;
  return {
    enabled: meta.consumeRetryEnabled ?? true,
    maxRetries: retries === undefined || retries < 0 ? Infinity : retries,
    maxElapsedMs: elapsed === undefined || elapsed <= 0 ? Infinity : elapsed,
    pauseMs: pauses(meta),
  };
}

function pauses(
  meta: MetadataValues<typeof retryMetadata>,
): RetryPolicy["pauseMs"] {
  const constant =
    meta.backOffPolicy === "constant" ||
    (meta.backOffPolicy === undefined && meta.backOffDuration !== undefined);
  if (constant) {
    const pause = meta.backOffDuration ?? 5000;
    return () => pause;
  }
  // The original's figures once its policy is asked for; otherwise a quick first try for an app that restarts.
  const asked = meta.backOffPolicy === "exponential";
  const first = meta.backOffInitialInterval ?? (asked ? 500 : 100);
  const longest = meta.backOffMaxInterval ?? (asked ? 60_000 : 5000);
  const factor = meta.backOffMultiplier ?? (asked ? 1.5 : 2);
  const spread = meta.backOffRandomizationFactor ?? (asked ? 0.5 : 0.1);
  return (retry, random = Math.random()) =>
    Math.min(longest, first * factor ** (retry - 1)) *
    (1 - spread + 2 * spread * random);
}

/** Resolves true after `ms`, false as soon as `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const end = (waited: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      resolve(waited);
    };
    const aborted = () => end(false);
    const timer = setTimeout(end, ms, true);
    signal.addEventListener("abort", aborted);
  });
}

/** `taken`: the app has it. `aborted`: still unacknowledged, deliver it again later. `given-up`: policy says go on. */
export type Outcome =
  | { end: "taken" | "aborted" }
  | { end: "given-up"; error: Error; tries: number };

/** Delivers one message until the app takes it, the policy ends or `signal` aborts. `onFailure` hears of each failed try. */
export async function deliverWithRetry(
  deliver: Deliver,
  message: BindingMessage,
  policy: RetryPolicy,
  signal: AbortSignal,
  onFailure: (
    error: Error,
    tries: number,
    nextPauseMs: number | undefined,
  ) => void,
): Promise<Outcome> {
  const startMs = performance.now();
  for (let tries = 1; ; tries++) {
    if (signal.aborted) return { end: "aborted" };
    try {
      await deliver(message);
      return { end: "taken" };
    } catch (thrown) {
      if (thrown instanceof DeliveryInterrupted) return { end: "aborted" };
      const error =
        thrown instanceof Error ? thrown : new Error(String(thrown));
      const wait = policy.pauseMs(tries);
      const again =
        policy.enabled &&
        tries <= policy.maxRetries &&
        performance.now() - startMs + wait <= policy.maxElapsedMs;
      onFailure(error, tries, again ? wait : undefined);
      if (!again) return { end: "given-up", error, tries };
      if (!(await pause(wait, signal))) return { end: "aborted" };
    }
  }
}

/** What a dead-lettered message carries beside its own headers: where it came from and why it was given up. */
export function deadLetterHeaders(
  message: BindingMessage,
  error: Error,
  tries: number,
): Record<string, string> {
  return {
    ...message.metadata,
    "dead-letter-error": headerText(error.message),
    "dead-letter-topic": message.metadata["__topic"] ?? "",
    "dead-letter-tries": String(tries),
  };
}

/** One line of printable ASCII: metadata travels as HTTP headers. */
const headerText = (value: string) =>
  value.replace(/[^\x20-\x7e]+/g, " ").slice(0, 1000);
