import type { Call } from "../../contracts/call.ts";
import { EtagError, UnfitError } from "../../contracts/state-store.ts";
import { runWith, type Failure, type Policy } from "./runner.ts";

/** How a call went: `ms` until its answer, with all its tries. */
export type Observe = (
  operation: string,
  isSuccess: boolean,
  ms: number,
) => void;

/** Does the work of one call of a component, with whatever is to happen around it. `operation` is one of few words. */
export type Around = <T>(
  operation: string,
  call: Call | undefined,
  work: (call: Call | undefined) => Promise<T>,
  /** Whether an answer tells of a failure. */
  isFailure?: (answer: T) => boolean,
) => Promise<T>;

/** Counts around retries, circuit breaker and time limit. `policyOf` is asked each time. */
export const aroundCalls =
  (observe: Observe | undefined, policyOf: () => Policy | undefined): Around =>
  (operation, call, work, isFailure) => {
    const policy = policyOf();
    if (!observe) return underPolicy(policy, call, work);
    const started = performance.now();
    return underPolicy(policy, call, work).then(
      (answer) => {
        const isSuccess = !isFailure?.(answer);
        observe(operation, isSuccess, performance.now() - started);
        return answer;
      },
      (error: unknown) => {
        observe(operation, false, performance.now() - started);
        throw error;
      },
    );
  };

/** A bulk that answers with an error for each entry that failed is done again for those. */
export const underPolicy = <T>(
  policy: Policy | undefined,
  call: Call | undefined,
  work: (call: Call | undefined) => Promise<T>,
): Promise<T> =>
  policy
    ? runWith<T>(policy, (signal) => work(under(call, signal)), {
        caller: call?.signal(),
        failureOf,
        judge,
      })
    : work(call);

/** The same caller, who waits no longer than `signal` allows. */
const under = (
  call: Call | undefined,
  signal: AbortSignal | undefined,
): Call | undefined =>
  signal ? { door: call?.door ?? "grpc", signal: () => signal } : call;

/** An etag that does not match, or a value that does not fit, is what the store answers: it works, and will answer the same. */
const isAnswer = (error: unknown): boolean =>
  error instanceof EtagError || error instanceof UnfitError;

/** Whether another try may mend it. */
const isWorthAgain = (one: unknown): boolean =>
  one instanceof Error && !isAnswer(one);

const failureOf = (error: unknown): Failure =>
  isAnswer(error) ? { isFinal: true, isAnswer: true } : {};

/** A bulk tells of each entry how it went. */
const judge = (answer: unknown): Failure | undefined =>
  Array.isArray(answer) && answer.some(isWorthAgain) ? {} : undefined;

/** When it is done again, only what failed is, and what no further try would mend is left as it is. */
export function onlyFailed<R>(
  requests: R[],
  work: (
    requests: R[],
    call: Call | undefined,
  ) => Promise<(Error | undefined)[]>,
) {
  let ends: (Error | undefined)[] | undefined;
  return async (call: Call | undefined) => {
    if (!ends) return (ends = await work(requests, call));
    const again = [...ends.keys()].filter((at) => isWorthAgain(ends![at]));
    const found = await work(
      again.map((at) => requests[at]!),
      call,
    );
    ends = ends.slice();
    for (const [n, at] of again.entries()) ends[at] = found[n];
    return ends;
  };
}
