/** Logs once, not once a second, that something does not work, and once that it works again. */
import type { Logger } from "../../log.ts";

export interface Trouble {
  /** To be called when it does not work, with the reason. */
  found(reason: string): void;
  /** To be called when it works. */
  over(): void;
  /** The last reason while it does not work. */
  readonly reason: string | undefined;
}

/** Brokers that are starting or electing a leader refuse for a moment; that is not logged. */
const graceMs = 1000;
/** The error of a dead broker changes between refused, reset and closed, so the latest reason is logged only now and then. */
const repeatMs = 60_000;

export function watchTrouble(log: Logger, where: string): Trouble {
  let since: number | undefined;
  let reason: string | undefined;
  let toldAt: number | undefined;
  return {
    found(now) {
      const at = performance.now();
      since ??= at;
      reason = now;
      if (at - since < graceMs || at - (toldAt ?? -Infinity) < repeatMs) return;
      toldAt = at;
      log.warn(`kafka: ${where}: ${now}; trying again until it works`);
    },
    over() {
      if (toldAt !== undefined) log.info(`kafka: ${where}: works again`);
      since = reason = toldAt = undefined;
    },
    get reason() {
      return reason;
    },
  };
}
