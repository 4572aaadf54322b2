/**
 * Does a piece of work with what a Resiliency says about its target: `work` may be called again after a
 * failure, and its signal aborts when its time is over. `until` aborts when nobody wants the result any more: then there is
 * no further try. Rejects with the last failure, or with what kept the work from being tried.
 */
export type Run = <T>(
  work: (signal?: AbortSignal) => Promise<T>,
  until?: AbortSignal,
) => Promise<T>;

/** Nothing around it. */
export const justRun: Run = (work) => work();
