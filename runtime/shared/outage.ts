/** For what is tried until it works: logs now and then why it does not, and once that it works again. */

export interface Outage {
  /** To be called when it does not work, with the reason. */
  found(reason: string): void;
  /** To be called when it works. */
  over(): void;
  /** The last reason while it does not work. */
  readonly reason: string | undefined;
}

/** How often the latest reason is logged: for a server that is away it changes between refused, reset and closed. */
const repeatMs = 60_000;
/** A server that comes and goes is not logged each time. */
const quietMs = 1000;

export function watchOutage(
  say: { found(reason: string): void; over?(): void },
  {
    graceMs = 0,
    isNews = () => false,
  }: {
    /** How long it may fail before that is logged. */
    graceMs?: number;
    /** Whether a reason is logged at once although another one was logged just now. */
    isNews?: (reason: string, told: string | undefined) => boolean;
  } = {},
): Outage {
  let reason: string | undefined;
  let since: number | undefined;
  let told: string | undefined;
  let toldAt = -Infinity;
  return {
    found(now) {
      const at = performance.now();
      since ??= at;
      reason = now;
      if (at - since < graceMs) return;
      const isDue = at - toldAt >= (told === undefined ? quietMs : repeatMs);
      if (!isDue && !isNews(now, told)) return;
      told = now;
      toldAt = at;
      say.found(now);
    },
    over() {
      if (told !== undefined) say.over?.();
      reason = since = told = undefined;
    },
    get reason() {
      return reason;
    },
  };
}
