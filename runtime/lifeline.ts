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
import { groupIsAlive, killTree, signalGroup } from "./process-group.ts";

const appGraceMs = 5000;

/**
 * Calls `onLost` when the pipe ends without a `bye`. By then the app was asked
 * to end; `appEnded` settles when it has, or was killed.
 */
export function watchLifeline(
  fd: number,
  onLost: (appEnded: Promise<void>) => void,
): void {
  const pipe = new Socket({ fd, readable: true, writable: false });
  let text = "";
  let appPid: number | undefined;
  let farewell = false;
  pipe.setEncoding("utf8");
  pipe.on("data", (chunk: string) => {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop()!;
    for (const line of lines) {
      if (line === "bye") farewell = true;
      const pid = /^app-pid (\d+)$/.exec(line);
      if (pid) appPid = Number(pid[1]);
    }
  });
  pipe.on("error", () => {}); // an end of the pipe, too: `close` follows
  pipe.on("close", () => {
    if (farewell) return;
    onLost(appPid ? endGroup(appPid) : Promise.resolve());
  });
  pipe.unref();
}

/** SIGTERM to a process group, SIGKILL after its grace. */
async function endGroup(pid: number): Promise<void> {
  if (process.platform === "win32") return killTree(pid); // no groups, no SIGTERM
  signalGroup(pid, "SIGTERM");
  const until = Date.now() + appGraceMs;
  while (groupIsAlive(pid)) {
    if (Date.now() >= until) return signalGroup(pid, "SIGKILL");
    await delay(50);
  }
}
