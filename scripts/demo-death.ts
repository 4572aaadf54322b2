/** Reads from the lines of `dapr run -f` that something ended unasked, in words for the demo's last line. */
import { readFileSync } from "node:fs";

/** `dapr run` was told to stop, or stops because an app could not be started. */
export const isRunsEnd = (line: string): boolean =>
  /Received signal to stop Dapr and app processes/.test(line);

/** Why `dapr run` starts nothing more and ends, in its own words. */
export function refusalIn(line: string): string | undefined {
  // On Windows the lines have no glyph.
  const [, text, plain] = /^❌ {2}(.*)|^((?:Error|Failed) .*)/.exec(line) ?? [];
  const found = text ?? plain;
  return found && withLog(found);
}

/** `app`: whose line it is, if an app's. `undefined` while nothing ended. */
export function deathIn(line: string, app?: string): string | undefined {
  const who = app ?? "an app";
  if (/Exited App successfully/.test(line))
    return `${who} ended by itself (exit code 0)`;
  if (/Exited Dapr successfully/.test(line))
    return `${app ? `the sidecar of ${app}` : "a sidecar"} ended by itself (exit code 0)`;
  const found = /[Tt]he (?:App|daprd) process .*/.exec(line)?.[0];
  if (!found) return undefined;
  const death = withLog(found);
  return app ? `${app}: ${death}` : death;
}

function withLog(found: string): string {
  const log = /Its log says why: (.+)$/.exec(found)?.[1];
  const reason = log && lastFatal(log);
  // A log holds what others sent; this goes to a terminal.
  return (reason ? `${found.replace(/\.$/, "")}: ${reason}` : found).replace(
    /\p{Cc}+/gu,
    " ",
  );
}

/** The message of the last fatal line; the path alone has to do where there is none. */
function lastFatal(log: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(log, "utf8");
  } catch {
    return undefined; // gone or not readable: the user has its path
  }
  const line = text.split("\n").findLast((one) => one.includes("level=fatal"));
  const quoted = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line ?? "")?.[1];
  if (!quoted) return line;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted; // Go's escapes are not all JSON's
  }
}
