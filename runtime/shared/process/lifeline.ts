/**
 * The lifeline from the process that started this sidecar: an inherited pipe
 * whose end means that process is gone, however it went. Then nothing of it may
 * stay behind: the sidecar ends, and so does the app it was told of.
 *
 * Lines on it: `app-pid N` (leader of the app's process group), `bye` (the
 * parent ends on purpose and has seen to the app itself).
 */
import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { groupIsAlive, killTree, signalGroup } from "./group.ts";
import { startOf } from "./start.ts";
import type { Started } from "./start.ts";

const appGraceMs = 5000;

/**
 * Calls `onLost` when the pipe ends without a `bye`. The app is asked to end at
 * the same time; `appEnded` settles when it has, or was killed.
 */
export function watchLifeline(
  fd: number,
  onLost: (appEnded: Promise<void>) => void,
): void {
  const pipe = new Socket({ fd, readable: true, writable: false });
  let text = "";
  let app: App | undefined;
  let farewell = false;
  pipe.setEncoding("utf8");
  pipe.on("data", (chunk: string) => {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) {
      if (line === "bye") farewell = true;
      const pid = /^app-pid (\d+)$/.exec(line);
      if (pid) app = withStart(Number(pid[1]));
    }
  });
  pipe.on("error", () => {}); // an end of the pipe, too: `close` follows
  pipe.on("close", () => {
    if (farewell) return;
    onLost(app ? endGroup(app) : Promise.resolve());
  });
  pipe.unref();
}

interface App {
  pid: number;
  started: Promise<Started | undefined>;
}

const withStart = (pid: number): App => ({
  pid,
  started: startOf(pid).catch(() => undefined), // not told: then nobody is ended by the number
});

/** SIGTERM to a process group, SIGKILL after its grace; not to another that got its ID since. */
export async function endGroup({ pid, started }: App): Promise<void> {
  const now = await startOf(pid);
  // A leader that ended may have left others; while they run, nobody gets its ID.
  if (now !== undefined && now !== (await started)) return;
  if (process.platform === "win32") return killTree(pid); // no groups, no SIGTERM
  signalGroup(pid, "SIGTERM");
  const until = Date.now() + appGraceMs;
  while (groupIsAlive(pid)) {
    if (Date.now() >= until) return signalGroup(pid, "SIGKILL");
    await delay(50);
  }
}
