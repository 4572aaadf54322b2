/** A kubectl that keeps running: a log that is followed, a port that is forwarded. */
import { spawn } from "node:child_process";
import { eachLine } from "../lines.ts";
import { inContext, readable } from "./kubectl.ts";

/**
 * kubectl does not notice that whoever started it was killed, so a shell stands between. The system closes the pipe
 * from this process with it, however it ends; then the shell ends its group: kubectl, and what that has started.
 * Windows ends the children of a Node by itself.
 */
const untilPipeEnds =
  'kubectl "$@" </dev/null & exec >/dev/null 2>&1; while read -r _; do :; done; kill -9 0';

const mostSaid = 4096;

/** Calls `emit` with each line of its stdout. Resolves when it has ended, with what it said of a failure; the signal ends it. */
export function followKubectl(
  args: readonly string[],
  emit: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  if (signal.aborted) return Promise.resolve("");
  const all = inContext(args);
  const isWindows = process.platform === "win32";
  return new Promise((resolve) => {
    const child = isWindows
      ? spawn("kubectl", all, { windowsHide: true })
      : spawn("sh", ["-c", untilPipeEnds, "sh", ...all], { detached: true });
    const end = () => void (isWindows ? child.kill() : child.stdin.end());
    let said = "";
    signal.addEventListener("abort", end, { once: true });
    eachLine(child.stdout, emit);
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(-mostSaid);
    });
    // The shell has closed its own: kubectl has ended.
    child.stdout.on("end", end);
    child.stdin.on("error", () => {}); // the shell has ended: `close` follows
    child.on("error", ({ message }) => {
      said = `kubectl could not be run: ${message}`;
    });
    child.on("close", () => {
      signal.removeEventListener("abort", end);
      resolve(readable(said));
    });
  });
}
