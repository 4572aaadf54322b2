/** A logger that keeps its lines, as `LEVEL message`, in the given array. */
import type { Logger } from "../../runtime/shared/log.ts";

export function recordingLog(
  lines: string[] = [],
): Logger & { lines: string[] } {
  const at = (level: string) => (message: string) =>
    void lines.push(`${level} ${message}`);
  const log = {
    lines,
    debug: at("debug"),
    info: at("info"),
    warn: at("warning"),
    error: at("error"),
    fatal: at("fatal"),
    always: at("info"),
    scope: () => log,
  };
  return log;
}
