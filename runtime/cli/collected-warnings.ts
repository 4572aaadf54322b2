/** A log for readers of resources whose warnings a command prints itself. */
import type { Logger } from "../shared/log.ts";

export function collectedWarnings(): { log: Logger; warnings: string[] } {
  const warnings: string[] = [];
  const keep = (line: string) => void warnings.push(line);
  const drop = () => {};
  const log: Logger = {
    debug: drop,
    info: drop,
    warn: keep,
    error: keep,
    fatal: keep,
    always: drop,
    scope: () => log,
  };
  return { log, warnings };
}
