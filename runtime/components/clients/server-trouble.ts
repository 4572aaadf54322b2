/** Says once, not once a second, that a server can't be reached, and once that it can again. */
import type { Logger } from "../../log.ts";

export interface ServerTrouble {
  /** It can't be reached, for this reason. */
  found(reason: string): void;
  /** It is there. */
  over(): void;
  /** The last reason while it is not there. */
  readonly reason: string | undefined;
}

/** The latest reason now and then is enough. */
const repeatMs = 60_000;
/** One that comes and goes is not news each time. */
const quietMs = 1000;

/** `server` names it in the log: `redis at localhost:6379`. */
export function watchServer(log: Logger, server: string): ServerTrouble {
  let reason: string | undefined;
  let isTold = false;
  let toldAt = -Infinity;
  return {
    found(now) {
      reason = now;
      const at = performance.now();
      if (at - toldAt < (isTold ? repeatMs : quietMs)) return;
      isTold = true;
      toldAt = at;
      log.warn(`${server} can't be reached: ${now}; trying until it can`);
    },
    over() {
      if (isTold) log.info(`${server} is connected again`);
      isTold = false;
      reason = undefined;
    },
    get reason() {
      return reason;
    },
  };
}
