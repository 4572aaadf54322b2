/** What is tried until it works: the log tells why it does not, now and then, and once that it works again. */

export interface Outage {
  /** It does not work, for this reason. */
  found(reason: string): void;
  /** It works. */
  over(): void;
  /** The last reason while it does not work. */
  readonly reason: string | undefined;
}

/** The latest reason now and then is enough: what is away is refused, reset and closed by turns. */
const repeatMs = 60_000;
/** What comes and goes is not news each time. */
const quietMs = 1000;

export function watchOutage(
  say: { found(reason: string): void; over?(): void },
  {
    graceMs = 0,
    isNews = () => false,
  }: {
    /** So long it may fail before the log tells of it. */
    graceMs?: number;
    /** Whether a reason is told at once, though another one was told just now. */
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
