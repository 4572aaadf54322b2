/** Finds out from the output of `dapr run -f` what ended by itself. The answer is part of the demo's last line. */
import { readFileSync } from "node:fs";

/** Whether the line says that `dapr run` stops: because it was told to, or because an app could not be started. */
export const isRunsEnd = (line: string): boolean =>
  /Received signal to stop Dapr and app processes/.test(line);

/** The error with which `dapr run` gives up, in its own words. */
export function refusalIn(line: string): string | undefined {
  // On Windows the lines begin without a symbol.
  const [, text, plain] = /^❌ {2}(.*)|^((?:Error|Failed) .*)/.exec(line) ?? [];
  const found = text ?? plain;
  return found && withLog(found);
}

/** What ended, or `undefined` if the line does not say so. `app` is the app that the line belongs to, if any. */
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
  // A log may hold control characters that others sent. They must not reach the terminal.
  return (reason ? `${found.replace(/\.$/, "")}: ${reason}` : found).replace(
    /\p{Cc}+/gu,
    " ",
  );
}

/** The message of the log's last fatal line. */
function lastFatal(log: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(log, "utf8");
  } catch {
    return undefined; // the message names the log's path all the same
  }
  const line = text.split("\n").findLast((one) => one.includes("level=fatal"));
  const quoted = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line ?? "")?.[1];
  if (!quoted) return line;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted; // JSON does not have all of Go's escapes
  }
}
