/** How a call went: `ms` until its answer. */
export type Observe = (
  operation: string,
  isSuccess: boolean,
  ms: number,
) => void;

/** Does the work of one call, with whatever is to happen around it. `operation` is one of few words. */
export type Around = <T>(
  operation: string,
  work: () => Promise<T>,
  /** Whether an answer tells of a failure. */
  isFailure?: (answer: T) => boolean,
) => Promise<T>;

export const aroundCalls =
  (observe: Observe): Around =>
  (operation, work, isFailure) => {
    const started = performance.now();
    return work().then(
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
