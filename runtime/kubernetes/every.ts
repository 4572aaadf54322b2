/** Work that is done again and again; failures are logged. */
import type { Logger } from "../shared/log.ts";
import { startTimer } from "../shared/timers.ts";

export interface Repeated {
  /** Runs it at once, or as soon as a run under way has ended. Resolves when a run that began after this call has succeeded. */
  now(): Promise<void>;
  stop(): void;
}

const retryMs = 1_000;

/** Begins at once. Runs never overlap; the interval begins when a run ends. A failed run is repeated after a second. */
export function every(
  intervalMs: number,
  log: Logger,
  work: () => Promise<void>,
): Repeated {
  let stopped = false;
  let wake = () => {};
  let asked: (() => void)[] = [];
  let lastFailure = "";

  const run = async (): Promise<boolean> => {
    try {
      await work();
      lastFailure = "";
      return true;
    } catch (error) {
      const { message } = error as Error;
      // the same sentence once, not every second
      if (message !== lastFailure) log.warn(`${message}; trying again`);
      lastFailure = message;
      return false;
    }
  };
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = startTimer(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const loop = async () => {
    while (!stopped) {
      const answered = asked;
      asked = [];
      const done = await run();
      if (done) for (const resolve of answered) resolve();
      else asked.unshift(...answered);
      if (stopped || (done && asked.length > 0)) continue;
      await pause(done ? intervalMs : retryMs);
    }
    for (const resolve of asked) resolve();
  };
  void loop();
  return {
    now: () =>
      new Promise((resolve) => {
        asked.push(resolve);
        wake();
      }),
    stop: () => {
      stopped = true;
      wake();
    },
  };
}
