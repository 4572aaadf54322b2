/** Warnings about things that are read again and again: each is logged only when it is new. */
import type { Logger } from "../shared/log.ts";

/** `pass` begins a reading; warnings of the last reading are not repeated. */
export function toldOnce(log: Logger): Logger & { pass(): void } {
  let before = new Set<string>();
  let now = new Set<string>();
  return {
    ...log,
    scope: (name) => log.scope(name),
    warn(line) {
      if (!before.has(line) && !now.has(line)) log.warn(line);
      now.add(line);
    },
    pass() {
      before = now;
      now = new Set();
    },
  };
}
