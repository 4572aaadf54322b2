/** Processor time of another process' main thread, where the system tells it (Linux): other load does not add to it. */
import { existsSync, readFileSync } from "node:fs";

export const canReadCpu = existsSync("/proc/self/schedstat");

/** Milliseconds that the thread which serves requests has run so far; 0 where the system does not tell. */
export function mainThreadMs(pid: number): number {
  if (!canReadCpu) return 0;
  const ran = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8");
  return Number(ran.split(" ")[0]) / 1e6;
}
