/**
 * Which process holds a lease, so that a dead one is replaced before its lease
 * ends. A PID alone is not enough: it is used again, and in another container it
 * means another process.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessIdentity {
  machine: string;
  pid: number;
  /** When it started, in the system's own units; empty if the system does not tell that cheaply. */
  started: string;
}

/** Undefined if there is no /proc. */
function procFile(path: string): string | undefined {
  try {
    return path.endsWith("/pid")
      ? readlinkSync(path)
      : readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

/** Fields of /proc/PID/stat from the third, the state, on (proc(5)); the second may hold spaces. */
const stat = (pid: number) =>
  procFile(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, "")
    .split(" ") ?? [];

/** Clock ticks since boot. */
const startTime = (pid: number) => stat(pid)[19] ?? "";

const machine = () =>
  [
    hostname(),
    procFile("/proc/sys/kernel/random/boot_id")?.trim() ?? "",
    procFile("/proc/self/ns/pid") ?? "",
  ].join("/");

export function thisProcess(): ProcessIdentity {
  return {
    machine: machine(),
    pid: process.pid,
    started: startTime(process.pid),
  };
}

/** True only if it is certain: on the same machine, and no such process, or another one under its PID. */
export function isDead(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.machine !== self.machine) return false;
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
  if (other.started === "") return false;
  const [state, started] = [stat(other.pid)[0], startTime(other.pid)];
  return state === "Z" || started !== other.started;
}
