/** Warnings and errors about things that are read again and again: each is logged only when it is new. */
import type { Logger } from "../shared/log.ts";

export interface ToldOnce extends Logger {
  /** Begins a reading; lines of the last reading are not repeated. */
  pass(): void;
  /** The file has changed: what was told of it is told again where it still holds. */
  forget(file: string): void;
}

export function toldOnce(log: Logger): ToldOnce {
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
    forget(file) {
      for (const line of before)
        if (line.includes(`${file}:`)) before.delete(line);
    },
  };
}
