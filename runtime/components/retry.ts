/**
 * What a queue-like binding or message bus does when the app does not take a message: the
 * original's `consumeRetryEnabled` and `backOff*` properties
 * (docs/protocol/kafka.md), with redelivery in place as the default so that no message is lost.
 */
import { growingPause, pause } from "../shared/backoff.ts";
import {
  DeliveryError,
  DeliveryInterrupted,
  type Message,
} from "../contracts/delivery.ts";
import type { Logger } from "../shared/log.ts";
import {
  choice,
  durationMs,
  number,
  orNegative,
  text,
} from "../contracts/metadata.ts";
import { isTruthy } from "../shared/units.ts";
import type { MetadataValues, Property } from "../contracts/metadata.ts";

/** Part of the metadata table of every component that delivers again; spread it into the table. */
export const redeliveryMetadata = {
  consumeRetryEnabled: optionalBool(
    "Deliver a message again until the app takes it, the default; `false`: skip it after its first refusal.",
  ),
  backOffPolicy: choice(["constant", "exponential"])(
    "How the pause between tries grows: constant if only `backOffDuration` is given, else exponential.",
  ),
  backOffDuration: durationMs("Pause of the constant policy; absent: 5s."),
  backOffInitialInterval: durationMs(
    "First pause of the exponential policy; absent: 100ms, or 500ms where `backOffPolicy` asks for it.",
  ),
  backOffMaxInterval: durationMs(
    "Longest pause of the exponential policy; absent: 5s, or 1m.",
  ),
  backOffMultiplier: number(
    "Growth of the pause from try to try; absent: 2, or 1.5.",
  ),
  backOffRandomizationFactor: number(
    "Share of the pause that is random, 0 to 1; absent: 0.1, or 0.5.",
  ),
  backOffMaxElapsedTime: durationMs(
    "Give up after this long; 0 or absent: never.",
  ),
  backOffMaxRetries: number(
    "Give up after this many further tries; -1 (any negative number) or absent: never.",
    { least: orNegative },
  ),
};

/** The same for a binding. Of a message bus, a subscription names the dead-letter topic. */
export const retryMetadata = {
  ...redeliveryMetadata,
  consumeRetryEnabled: optionalBool(
    "Deliver a message again until the app takes it. The original's default is false, which skips a failed message: here that takes an explicit `false`.",
  ),
  deadLetterTopic: text(
    "Topic for a message that was given up; absent: it is logged and skipped.",
  ),
};

/** Three states: true, false, or not written. */
function optionalBool(about: string): Property<boolean | undefined> {
  return { about, kind: "bool", parse: isTruthy };
}

type RetrySettings = Partial<MetadataValues<typeof redeliveryMetadata>>;

export interface RetryPolicy {
  /** False: log a failed message and go on. */
  enabled: boolean;
  maxRetries: number;
  maxElapsedMs: number;
  /** True if no message is ever given up. */
  isEndless: boolean;
  /** The pause before the nth further try (from 1); `random` is in [0, 1). */
  pauseMs(retry: number, random?: number): number;
}

export function retryPolicy(meta: RetrySettings): RetryPolicy {
  const { backOffMaxRetries: retries, backOffMaxElapsedTime: elapsed } = meta;
  const maxRetries = retries === undefined || retries < 0 ? Infinity : retries;
  const maxElapsedMs =
    elapsed === undefined || elapsed <= 0 ? Infinity : elapsed;
  return {
    enabled: meta.consumeRetryEnabled ?? true,
    maxRetries,
    maxElapsedMs,
    isEndless: maxRetries === Infinity && maxElapsedMs === Infinity,
    pauseMs: pauses(meta),
  };
}

function pauses(meta: RetrySettings): RetryPolicy["pauseMs"] {
  const constant =
    meta.backOffPolicy === "constant" ||
    (meta.backOffPolicy === undefined && meta.backOffDuration !== undefined);
  if (constant) {
    const pause = meta.backOffDuration ?? 5000;
    return () => pause;
  }
  // The original's figures if its policy is named; else a quick first try, for an app that restarts.
  const asked = meta.backOffPolicy === "exponential";
  return growingPause({
    firstMs: meta.backOffInitialInterval ?? (asked ? 500 : 100),
    factor: meta.backOffMultiplier ?? (asked ? 1.5 : 2),
    mostMs: meta.backOffMaxInterval ?? (asked ? 60_000 : 5000),
    spread: meta.backOffRandomizationFactor ?? (asked ? 0.5 : 0.1),
  });
}

/** How one input handles messages that the app refuses. */
export interface Redelivery<M = Message> {
  /** Resolves once the message is taken. */
  deliver(message: M): Promise<unknown>;
  policy: RetryPolicy;
  /** Stores a message that the policy gives up, if there is a dead-letter topic; tried until it succeeds. */
  deadLetter: ((error: Error, tries: number) => Promise<void>) | undefined;
  log: Logger;
  /** What a refused message holds up, in the log; absent: its partition. */
  holdsUp?: string;
  /** What else than mending the app helps, in the log; absent: the properties of retryMetadata. */
  advice?: string;
  /** How to keep what is given up, in the log; absent as well. */
  keep?: string;
}

export type RetryWords = Pick<Redelivery, "holdsUp" | "advice" | "keep">;

/** Of a subscription whose component may give messages up. */
export const subscriptionWords = {
  advice:
    "give the subscription a deadLetterTopic to keep it, or set backOffMaxRetries to skip it",
  keep: "give the subscription a deadLetterTopic to keep such messages",
} satisfies RetryWords;

/** After this time the same failure is logged again. */
const remindMs = 60_000;
const keepAgainMs = 1000;

/**
 * Delivers one message, or a bulk of them, until the app takes it or the policy gives it up. True:
 * it is done, go on to the next one. False: `signal` fired first, or the input
 * stops; the message stays unacknowledged. `what` names it in the log.
 */
export async function deliverUntilTaken<M>(
  what: string,
  message: M,
  { deliver, policy, deadLetter, log, holdsUp, advice, keep }: Redelivery<M>,
  signal: AbortSignal,
): Promise<boolean> {
  const startMs = performance.now();
  const remind = reminder();
  let refusedSince: number | undefined;
  for (let tries = 1; ; tries++) {
    if (signal.aborted) return false;
    let error: Error;
    try {
      await deliver(message);
      if (tries > 1)
        log.info(`${what} taken after ${tries - 1} failed deliveries`);
      return true;
    } catch (thrown) {
      // The end of reading cut it off, which says nothing about the message.
      if (thrown instanceof DeliveryInterrupted || signal.aborted) return false;
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
    }
    if (!policy.enabled) {
      log.error(
        `${what} not taken and skipped, because consumeRetryEnabled is false: ${error.message}`,
      );
      return true;
    }
    const wait = policy.pauseMs(tries);
    if (
      tries > policy.maxRetries ||
      performance.now() - startMs + wait > policy.maxElapsedMs
    )
      return giveUp(what, error, tries, { deadLetter, log, keep }, signal);
    refusedSince = isForForm(error)
      ? (refusedSince ?? performance.now())
      : undefined;
    if (remind()) {
      const refusedMs = performance.now() - (refusedSince ?? Infinity);
      if (refusedMs >= remindMs)
        log.error(
          `${what} is refused by the app for its form, with ${(error as DeliveryError).status} for ${Math.round(refusedMs / 60_000)} min${holdsUp === "" ? "" : `, and ${holdsUp ?? "its partition"} waits for it`}: mend the app's route so that it takes the message, or ${advice ?? "set backOffMaxRetries, with deadLetterTopic to keep it or without to skip it"}: ${error.message}`,
        );
      else
        log.warn(
          `${what} not taken (delivery ${tries}), delivering it again until it is${holdsUp === "" ? "" : `; ${holdsUp ?? "its partition"} waits`}: ${error.message}`,
        );
    }
    if (!(await pause(wait, signal))) return false;
  }
}

/** Whether the app's answer blames the message, and not a missing route or its own load. */
const isForForm = (error: Error) =>
  error instanceof DeliveryError &&
  error.status !== undefined &&
  error.status >= 400 &&
  error.status < 500 &&
  ![401, 403, 404, 405, 408, 425, 429].includes(error.status);

async function giveUp(
  what: string,
  error: Error,
  tries: number,
  {
    deadLetter,
    log,
    keep = "set deadLetterTopic to keep such messages",
  }: Pick<Redelivery<never>, "deadLetter" | "log" | "keep">,
  signal: AbortSignal,
): Promise<boolean> {
  const gaveUp = `${what} given up after ${tries} deliveries (${error.message})`;
  if (!deadLetter) {
    log.error(`${gaveUp} and skipped: ${keep}`);
    return true;
  }
  const remind = reminder();
  for (;;)
    try {
      await deadLetter(error, tries);
      log.error(`${gaveUp} and moved to the dead-letter topic`);
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      if (remind())
        log.error(
          `${gaveUp}, but not kept yet, trying again: ${(thrown as Error).message}`,
        );
      if (!(await pause(keepAgainMs, signal))) return false;
    }
}

/** True the first time and then once a minute. */
function reminder(): () => boolean {
  let at = -Infinity;
  return () => {
    if (performance.now() < at) return false;
    at = performance.now() + remindMs;
    return true;
  };
}

/** The headers that a dead letter gets beside its own: where it came from and why it was given up. */
export function deadLetterHeaders(
  message: Message,
  error: Error,
  tries: number,
): Record<string, string> {
  // The original place has other names, as `__offset` and the like are those of the dead letter.
  const { __topic, __partition, __offset, __timestamp, ...own } =
    message.metadata;
  return {
    ...own,
    "dead-letter-topic": __topic ?? "",
    "dead-letter-partition": __partition ?? "",
    "dead-letter-offset": __offset ?? "",
    "dead-letter-tries": String(tries),
    "dead-letter-error": headerText(error.message),
  };
}

/** One line of printable ASCII: metadata travels as HTTP headers. */
const headerText = (value: string) =>
  value.replace(/[^\x20-\x7e]+/g, " ").slice(0, 1000);
