/** Does a call with its policies around: retries around the circuit breaker around the time limit. */
import { PolicyError } from "../../contracts/run.ts";
import type { RetryPolicy } from "../../contracts/resiliency.ts";
import { growingPause, pause } from "../../shared/backoff.ts";
import type { Logger } from "../../shared/log.ts";
import { messageOf } from "../../shared/message-of.ts";
import { startTimer } from "../../shared/timers.ts";
import { goDuration } from "../../shared/units.ts";
import type { Breaker, BreakerState } from "./breaker.ts";

/** What is around the calls of one target. */
export interface Policy {
  /** As the log names it: `component[store] output`. */
  name: string;
  /** 0 is no limit. */
  timeoutMs: number;
  retry: RetryPolicy | undefined;
  breaker: Breaker | undefined;
  /** Told when a call begins, and when one of its policies does something. */
  count: PolicyCount | undefined;
  log: Logger;
}

export interface PolicyCount {
  called(policy: Policy): void;
  timedOut(): void;
  retried(): void;
  /** Another state of the circuit breaker than before the try. */
  changed(state: BreakerState): void;
}

/** How a try failed. */
export interface Failure {
  /** Of HTTP from 100 on, else of gRPC; undefined where there is none. */
  code?: number | undefined;
  /** Another try can't help. */
  isFinal?: boolean;
  /** The target has done its part: for the circuit breaker this is a success. */
  isAnswer?: boolean;
}

export interface RunOptions<T> {
  /** Aborts when nobody wants the result any more: that ends a try, too. */
  caller?: AbortSignal | undefined;
  /** Aborts when there is to be no further try; one under way goes on. */
  until?: AbortSignal | undefined;
  failureOf?(error: unknown): Failure;
  /** Undefined if the result is a success. */
  judge?(result: T): Failure | undefined;
  /** Of a result that nobody gets. */
  drop?(result: T): void;
  /** Resolves when a result is whole, or dropped; till then it is under the time limit. */
  whole?(result: T): Promise<void> | undefined;
}

/** The original's figures. */
const exponential = { firstMs: 500, factor: 1.5, spread: 0.5 };
const longestElapsedMs = 15 * 60_000;

/** The pause before the nth further try. */
export const retryPauseMs = (
  { policy, durationMs, maxIntervalMs }: RetryPolicy,
  retry: number,
  random?: number,
): number =>
  policy === "constant"
    ? durationMs
    : growingPause({ ...exponential, mostMs: maxIntervalMs })(retry, random);

/** Rejects with the error of the last try, resolves with its result though that be a failure. */
export async function runWith<T>(
  policy: Policy,
  work: (signal?: AbortSignal) => Promise<T>,
  options: RunOptions<T> = {},
): Promise<T> {
  const { retry, log, name, count } = policy;
  const { caller, until = caller, failureOf = noCode, judge } = options;
  const startedMs = performance.now();
  const limit = createLimit(policy, options);
  count?.called(policy);
  for (let tries = 1; ; tries++) {
    let end: { result: T } | { error: unknown };
    let failure: Failure | undefined;
    try {
      const result = await once(policy, () => limit(work), options);
      failure = judge?.(result);
      end = { result };
    } catch (error) {
      failure = isRefused(error) ? final : failureOf(error);
      end = { error };
    }
    if (!failure) {
      if (tries > 1)
        log.info(
          `Recovered processing operation ${name} after ${tries} attempts`,
        );
      return resultOf(end);
    }
    const pauseMs =
      retry && !failure.isFinal && !until?.aborted && matches(retry, failure)
        ? nextPauseMs(retry, tries, performance.now() - startedMs)
        : undefined;
    if (pauseMs === undefined) return resultOf(end);
    if (tries === 1) {
      count?.retried();
      log.warn(
        `Error processing operation ${name}. Retrying in ${goDuration(pauseMs)}…`,
      );
      log.debug(
        `Error for operation ${name} was: ${"error" in end ? messageOf(end.error) : `code ${failure.code}`}`,
      );
    }
    if ("result" in end) options.drop?.(end.result);
    if (!(await pause(pauseMs, until ?? never))) throw until!.reason as Error;
  }
}

const never = new AbortController().signal;
/** Not even tried. */
const isRefused = (error: unknown) =>
  error instanceof PolicyError && error.kind !== "timeout";
const final: Failure = { isFinal: true };
const noCode = (): Failure => ({});

function resultOf<T>(end: { result: T } | { error: unknown }): T {
  if ("error" in end) throw end.error;
  return end.result;
}

/** Undefined when no try is left. */
function nextPauseMs(
  retry: RetryPolicy,
  tries: number,
  elapsedMs: number,
): number | undefined {
  if (tries > retry.maxRetries) return undefined;
  const pauseMs = retryPauseMs(retry, tries);
  const isOver =
    retry.policy === "exponential" && elapsedMs + pauseMs > longestElapsedMs;
  return isOver ? undefined : pauseMs;
}

/** What has no code is always tried again. */
function matches(
  { httpCodes, grpcCodes }: RetryPolicy,
  { code }: Failure,
): boolean {
  if (code === undefined) return true;
  const ranges = code >= 100 ? httpCodes : grpcCodes;
  return !ranges || ranges.some(([from, to]) => from <= code && code <= to);
}

/** One try, if the circuit breaker lets it through. */
async function once<T>(
  { breaker, count }: Policy,
  work: () => Promise<T>,
  { failureOf = noCode, judge }: RunOptions<T>,
): Promise<T> {
  if (!breaker) return work();
  const before = breaker.state();
  const done = breaker.enter();
  const end = (failure: Failure | undefined) => {
    done(!failure || (failure.isAnswer ?? false));
    const after = breaker.state();
    if (after !== before) count?.changed(after);
  };
  try {
    const result = await work();
    end(judge?.(result));
    return result;
  } catch (error) {
    end(failureOf(error));
    throw error;
  }
}

type Limit<T> = (work: (signal?: AbortSignal) => Promise<T>) => Promise<T>;

/** Ends a try when its time is over, and does not wait for what goes on all the same. */
function createLimit<T>(
  { timeoutMs, count }: Policy,
  { caller, drop, whole }: RunOptions<T>,
): Limit<T> {
  if (timeoutMs <= 0) return (work) => work(caller);
  let isCounted = false;
  return (work) =>
    new Promise<T>((resolve, reject) => {
      const controller = new AbortController();
      const leave = () => controller.abort(caller!.reason);
      let isOver = false;
      const timer = startTimer(() => {
        isOver = true;
        if (!isCounted) count?.timedOut();
        isCounted = true;
        const error = new PolicyError("timeout");
        reject(error);
        controller.abort(error);
      }, timeoutMs);
      const clear = () => {
        clearTimeout(timer);
        caller?.removeEventListener("abort", leave);
      };
      if (caller?.aborted) leave();
      caller?.addEventListener("abort", leave);
      const working = async () => work(controller.signal);
      working().then(
        (result) => {
          if (isOver) return drop?.(result);
          const end = whole?.(result);
          if (end) void end.finally(clear);
          else clear();
          resolve(result);
        },
        (error: Error) => {
          clear();
          reject(error);
        },
      );
    });
}
