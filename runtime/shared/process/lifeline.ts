/**
 * The lifeline from the process that started this sidecar: an inherited pipe.
 * When it ends, that process is gone, for whatever reason. Then nothing may stay
 * behind: the sidecar ends, and so does the app that it was told of.
 *
 * Lines on it: `app-pid N` (leader of the app's process group), `folder PATH` (to be
 * removed when the parent is gone, with all in it), `bye` (the parent ends on purpose
 * and has seen to the rest itself).
 */
import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { groupIsAlive, killTree, signalGroup } from "./group.ts";
import { startOf } from "./start.ts";
import type { Started } from "./start.ts";

const appGraceMs = 5000;

/** What the parent has left behind. */
export interface Left {
  /** The app is asked to end at once; this settles when it has ended or was killed. */
  appEnded: Promise<void>;
  /** To be removed at the end. */
  folders: readonly string[];
}

/** Calls `onLost` if the pipe ends without a `bye`. */
export function watchLifeline(fd: number, onLost: (left: Left) => void): void {
  const pipe = new Socket({ fd, readable: true, writable: false });
  let text = "";
  let app: App | undefined;
  const folders: string[] = [];
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
      if (line.startsWith("folder ")) folders.push(line.slice(7));
    }
  });
  pipe.on("error", () => {}); // this ends the pipe too: `close` follows
  pipe.on("close", () => {
    if (farewell) return;
    onLost({ appEnded: app ? endGroup(app) : Promise.resolve(), folders });
  });
  pipe.unref();
}

interface App {
  pid: number;
  started: Promise<Started | undefined>;
}

const withStart = (pid: number): App => ({
  pid,
  started: startOf(pid).catch(() => undefined), // unknown: then no process is ended by this number
});

/** SIGTERM to a process group, and SIGKILL after a grace period; but not to another group that has got its ID since. */
export async function endGroup({ pid, started }: App): Promise<void> {
  const now = await startOf(pid);
  // A leader that ended may have left others running. While they run, nobody else gets its ID.
  if (now !== undefined && now !== (await started)) return;
  if (process.platform === "win32") return killTree(pid); // no groups, no SIGTERM
  signalGroup(pid, "SIGTERM");
  const until = Date.now() + appGraceMs;
  while (groupIsAlive(pid)) {
    if (Date.now() >= until) return signalGroup(pid, "SIGKILL");
    await delay(50);
  }
}
