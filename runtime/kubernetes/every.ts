/** Work that is done again and again, and told to the log when it fails. */
import type { Logger } from "../log.ts";

export interface Repeated {
  /** Does it at once and, as long as it fails, again after a second; resolves when it is done. */
  now(): Promise<void>;
  stop(): void;
}

/** Runs never overlap; the interval begins when a run ends. */
export function every(
  intervalMs: number,
  log: Logger,
  work: () => Promise<void>,
): Repeated {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let lastFailure = "";
  const run = async (): Promise<boolean> => {
    try {
      await work();
      lastFailure = "";
      return true;
    } catch (error) {
      const { message } = error as Error;
      // the same sentence once, not every few seconds
      if (message !== lastFailure) log.warn(`${message}; trying again`);
      lastFailure = message;
      return false;
    }
  };
  const next = () => {
    if (!stopped)
      timer = setTimeout(() => void run().finally(next), intervalMs);
  };
  return {
    now: async () => {
      clearTimeout(timer);
      while (!stopped && !(await run()))
        await new Promise((resolve) => (timer = setTimeout(resolve, 1000)));
      next();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
