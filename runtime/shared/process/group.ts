/** Signals to a process group, and whether any of it is left. The CLI ends apps with it, and so does a sidecar whose CLI is gone. */
import { readFileSync, readdirSync } from "node:fs";

/** Sends a signal to every process of a group; a group that is gone is fine. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // EPERM: macOS answers so for a group of which only a zombie is left.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

/** Whether any process of the group runs. Zombies don't count, as there may be nobody to collect them. */
export function groupIsAlive(leader: number): boolean {
  try {
    process.kill(-leader, 0);
  } catch {
    return false; // ESRCH, or EPERM as above
  }
  return process.platform === "linux" ? hasLiveMember(leader) : true;
}

function hasLiveMember(leader: number): boolean {
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const stat = readStat(name);
    return stat !== undefined && stat.group === leader && stat.state !== "Z";
  });
}

function readStat(pid: string) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0], group: Number(fields[2]) };
  } catch {
    return undefined; // it ended between readdir and here
  }
}

/** Windows has no groups: ends a process and all it started. */
export async function killTree(pid: number): Promise<void> {
  // Loaded only when needed, so that a sidecar starts without it.
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  try {
    await promisify(execFile)("taskkill", ["/PID", String(pid), "/T", "/F"]);
  } catch (error) {
    // It fails too if a process of the tree ended by itself meanwhile.
    if (isAlive(pid)) throw error;
  }
}

/** What a user types to end a process that does not end. */
export const killCommand = (
  pid: number,
  platform = process.platform,
): string =>
  platform === "win32" ? `taskkill /PID ${pid} /T /F` : `kill -9 ${pid}`;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return process.platform !== "linux" || readStat(String(pid))?.state !== "Z";
}
