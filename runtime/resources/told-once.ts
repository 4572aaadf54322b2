/** Warnings and errors about things that are read again and again: each is logged only when it is new. */
import type { Logger } from "../shared/log.ts";

/** `pass` begins a reading; lines of the last reading are not repeated. */
export function toldOnce(log: Logger): Logger & { pass(): void } {
  let before = new Set<string>();
  let now = new Set<string>();
  const once = (write: (line: string) => void) => (line: string) => {
    if (!before.has(line) && !now.has(line)) write(line);
    now.add(line);
  };
  return {
    ...log,
    scope: (name) => log.scope(name),
    warn: once((line) => log.warn(line)),
    error: once((line) => log.error(line)),
    pass() {
      before = now;
      now = new Set();
    },
  };
}
