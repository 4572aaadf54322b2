/** Says once, not once a second, that something does not work, and once that it works again. */
import type { Logger } from "../../log.ts";

export interface Trouble {
  /** It does not work, for this reason. */
  found(reason: string): void;
  /** It works. */
  over(): void;
  /** The last reason while it does not work. */
  readonly reason: string | undefined;
}

/** Brokers that just start or elect a leader refuse for a moment; that is no news. */
const graceMs = 1000;
/** A dead broker is refused, reset or closed by turns: the latest reason now and then is enough. */
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
